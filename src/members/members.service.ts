import { Injectable } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { isForeignKeyViolation } from '../database/database-errors.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { ReadDatabase, type Tx } from '../database/database.ts';
import type { Member as MemberRow } from '../database/generated/client.ts';
import { invalid, notFound, Problem } from '../errors.ts';
import { type ListQuery, type Page, readCursor, toPage, userKeys } from '../http/paging.ts';
import { ActPace } from '../acts/act-pace.ts';
import { Authority } from '../auth/authority.ts';
import { assertBelowQuota } from '../quotas.ts';
import { rankOfRole } from '../roles/roles.service.ts';
import { findSpace } from '../spaces/spaces.service.ts';
import type { ChangeRoleBody, Member, PutMemberBody, RoleChange } from './members.schemas.ts';
import { RoleChanges } from './role-changes.service.ts';

/** The roles that users have in spaces. A change takes effect at once, also on tokens that the user holds already. */
@Injectable()
export class MembersService {
  constructor(
    private readonly reads: ReadDatabase,
    private readonly authority: Authority,
    private readonly pace: ActPace,
    private readonly changes: RoleChanges,
    private readonly clock: DatabaseClock,
  ) {}

  /** @throws Problem `not_found`, or `invalid_request` if the tenant does not have the role. */
  async put(caller: TenantCaller, spaceId: string, userId: string, body: PutMemberBody): Promise<Member> {
    const answer = (member: Member) => ({ status: 200, body: member });
    const change = { spaceId, userId, auditAction: 'member.put', answer };
    const { result } = await this.changes.change(caller, change, (tx) =>
      writeMember(tx, caller.tenantId, { spaceId, userId, role: body.role }, null, this.clock.now()),
    );
    return result;
  }

  /** @throws Problem `forbidden` if the caller may not act on the user, or may not give the role. */
  async changeRole(
    caller: TenantCaller,
    spaceId: string,
    userId: string,
    { role, attributes, reason }: ChangeRoleBody,
  ): Promise<RoleChange> {
    const isKey = caller.kind === 'apiKey';
    if (!isKey && attributes !== undefined) {
      throw new Problem(
        'forbidden',
        'Only an API key gets the exchange token that attributes are for. Leave them out.',
      );
    }
    const change = {
      spaceId,
      userId,
      reason,
      auditAction: 'role.change',
      // An app user never gets another user's token, not even as a moderator.
      ...(isKey && { exchange: { attributes: attributes ?? {} } }),
    };
    const { result, ...outcome } = await this.changes.change(caller, change, async (tx) => {
      await this.pace.assertNotTooFast(tx, caller, true);
      const byRank = await this.authority.assertMayActOn(tx, caller, spaceId, userId);
      const rank = await rankOfRole(tx, caller.tenantId, role);
      if (rank === undefined) throw unknownRole();
      await this.authority.assertMayGive(tx, caller, spaceId, rank);
      return await writeMember(tx, caller.tenantId, { spaceId, userId, role }, byRank, this.clock.now());
    });
    return { member: result, ...outcome };
  }

  async list(caller: TenantCaller, spaceId: string, query: ListQuery): Promise<Page<Member>> {
    const { tenantId } = caller;
    const after = readCursor(query.cursor, userKeys);
    const rows = await this.reads.inTenantOf(caller, async (tx) => {
      await findSpace(tx, tenantId, spaceId);
      return await tx.member.findMany({
        where: { tenantId, spaceId, ...(after !== undefined && { userId: { gt: after } }) },
        orderBy: { userId: 'asc' },
        take: query.limit + 1,
      });
    });
    return toPage(rows, query.limit, (row) => row.userId, toMember);
  }

  /**
   * Deletes a member row. The new role is the default role of the space, or none. A role that the JWT of the user claims
   * counts only when they ask for tokens.
   * @throws Problem `not_found`
   */
  async remove(caller: TenantCaller, spaceId: string, userId: string): Promise<void> {
    const change = { spaceId, userId, auditAction: 'member.delete', answer: () => ({ status: 204 }) };
    await this.changes.change(caller, change, async (tx) => {
      const { count } = await tx.member.deleteMany({ where: { tenantId: caller.tenantId, spaceId, userId } });
      if (count === 0) throw notFound('member');
    });
  }
}

/**
 * Writes a member row. Who writes over the row of somebody of a higher rank, or of an API key, does not make it weaker: it
 * goes on to bind whom it has bound.
 * @param byRank rank of the person who gives the role; null for an API key.
 */
async function writeMember(
  tx: Tx,
  tenantId: string,
  { spaceId, userId, role }: { spaceId: string; userId: string; role: string },
  byRank: number | null,
  now: Date,
): Promise<Member> {
  const where = { tenantId_spaceId_userId: { tenantId, spaceId, userId } };
  const before = await tx.member.findUnique({ where, select: { byRank: true } });
  if (!before)
    await assertBelowQuota(tx, tenantId, 'members', (take) => tx.member.count({ where: { tenantId }, take }));
  const strongest = before?.byRank === null || byRank === null ? null : Math.max(before?.byRank ?? byRank, byRank);
  const row = await tx.member
    .upsert({
      where,
      create: { tenantId, spaceId, userId, role, byRank },
      update: { role, byRank: strongest, outrankedAt: null, updatedAt: now },
    })
    .catch((error: unknown) => {
      throw isForeignKeyViolation(error) ? unknownRole() : error;
    });
  return toMember(row);
}

function unknownRole(): Problem {
  return invalid('role', 'must be a role of the tenant');
}

function toMember(row: MemberRow): Member {
  return {
    userId: row.userId,
    role: row.role,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    ...(row.outrankedAt !== null && { outrankedAt: row.outrankedAt.toISOString() }),
  };
}
