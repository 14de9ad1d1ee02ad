import { Injectable } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import type { TenantCaller } from '../caller.ts';
import { isForeignKeyViolation } from '../database/database-errors.ts';
import { Database } from '../database/database.ts';
import type { Member as MemberRow } from '../database/generated/client.ts';
import { invalid, notFound } from '../errors.ts';
import { type ListQuery, type Page, readCursor, toPage } from '../http/paging.ts';
import { findSpace } from '../spaces/spaces.service.ts';
import type { Member, PutMemberBody } from './members.schemas.ts';

@Injectable()
export class MembersService {
  constructor(private readonly database: Database) {}

  async put(caller: TenantCaller, spaceId: string, userId: string, body: PutMemberBody): Promise<Member> {
    const { tenantId } = caller;
    return await this.database.inTenantOf(caller, async (tx) => {
      await findSpace(tx, tenantId, spaceId);
      const row = await tx.member
        .upsert({
          where: { tenantId_spaceId_userId: { tenantId, spaceId, userId } },
          create: { tenantId, spaceId, userId, role: body.role },
          update: { role: body.role, updatedAt: new Date() },
        })
        .catch((error: unknown) => {
          if (isForeignKeyViolation(error)) throw invalid('role', 'must be a role of the tenant');
          throw error;
        });
      await audit(tx, caller, { action: 'member.put', tenantId, spaceId, userId, details: { role: body.role } });
      return toMember(row);
    });
  }

  async list(caller: TenantCaller, spaceId: string, query: ListQuery): Promise<Page<Member>> {
    const { tenantId } = caller;
    const after = readCursor(query.cursor);
    const rows = await this.database.inTenantOf(caller, async (tx) => {
      await findSpace(tx, tenantId, spaceId);
      return await tx.member.findMany({
        where: { tenantId, spaceId, ...(after !== undefined && { userId: { gt: after } }) },
        orderBy: { userId: 'asc' },
        take: query.limit + 1,
      });
    });
    return toPage(rows, query.limit, (row) => row.userId, toMember);
  }

  async remove(caller: TenantCaller, spaceId: string, userId: string): Promise<void> {
    const { tenantId } = caller;
    await this.database.inTenantOf(caller, async (tx) => {
      await findSpace(tx, tenantId, spaceId);
      const { count } = await tx.member.deleteMany({ where: { tenantId, spaceId, userId } });
      if (count === 0) throw notFound('member');
      await audit(tx, caller, { action: 'member.delete', tenantId, spaceId, userId });
    });
  }
}

function toMember(row: MemberRow): Member {
  return {
    userId: row.userId,
    role: row.role,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}
