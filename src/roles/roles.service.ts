import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { audit } from '../audit/audit.ts';
import type { TenantCaller } from '../caller.ts';
import { isForeignKeyViolation } from '../database/database-errors.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database, ReadDatabase, type Tx } from '../database/database.ts';
import type { Role as RoleRow } from '../database/generated/client.ts';
import { runIn, valueIn } from '../database/sql-call.ts';
import { notFound, Problem } from '../errors.ts';
import { limits } from '../limits.ts';
import { type ListQuery, type Page, readCursor, toPage } from '../http/paging.ts';
import { assertBelowQuota } from '../quotas.ts';
import { builtInRoles } from './built-in-roles.ts';
import { type PutRoleBody, type Role, roleNamePattern } from './roles.schemas.ts';

@Injectable()
export class RolesService {
  constructor(
    private readonly database: Database,
    private readonly reads: ReadDatabase,
    private readonly clock: DatabaseClock,
  ) {}

  async list(caller: TenantCaller, query: ListQuery): Promise<Page<Role>> {
    const after = readCursor(query.cursor, roleNamePattern);
    const rows = await this.reads.inTenantOf(caller, (tx) =>
      tx.role.findMany({
        where: { tenantId: caller.tenantId, ...(after !== undefined && { name: { gt: after } }) },
        orderBy: { name: 'asc' },
        take: query.limit + 1,
      }),
    );
    return toPage(rows, query.limit, (row) => row.name, toRole);
  }

  /**
   * Creates or replaces the role. Tokens that were vended earlier do not change. But in a frozen space, who has a role that
   * moderates no more is silenced.
   */
  async put(caller: TenantCaller, name: string, body: PutRoleBody): Promise<Role> {
    return await this.database.inTenantOf(caller, async (tx) => {
      const columns = toColumns(body);
      const where = { tenantId_name: { tenantId: caller.tenantId, name } };
      if (!(await tx.role.findUnique({ where, select: { name: true } }))) {
        await assertBelowQuota(tx, caller.tenantId, 'roles', (take) =>
          tx.role.count({ where: { tenantId: caller.tenantId }, take }),
        );
      }
      const row = await tx.role.upsert({
        where,
        create: { tenantId: caller.tenantId, name, ...columns },
        update: { ...columns, updatedAt: this.clock.now() },
      });
      if (!body.moderator) await runIn(tx, 'extend_freezings', { tenant: caller.tenantId, limits });
      const role = toRole(row);
      const answer = () => ({ status: 200, body: role });
      const { tenantId } = caller;
      await audit(tx, caller, { action: 'role.put', tenantId, subject: name, details: { ...body }, answer });
      return role;
    });
  }

  /** @throws Problem `not_found`; `conflict` while a member has the role or a space has it as its default role. */
  async remove(caller: TenantCaller, name: string): Promise<void> {
    await this.database.inTenantOf(caller, async (tx) => {
      try {
        const { count } = await tx.role.deleteMany({ where: { tenantId: caller.tenantId, name } });
        if (count === 0) throw notFound('role');
      } catch (error) {
        if (!isForeignKeyViolation(error)) throw error;
        throw new Problem('conflict', 'Members or spaces still have this role. Give them another role first.');
      }
      const answer = () => ({ status: 204 });
      await audit(tx, caller, { action: 'role.delete', tenantId: caller.tenantId, subject: name, answer });
    });
  }
}

/** The rank of the tenant's role with this name; undefined if the tenant has no such role. */
export async function rankOfRole(tx: Tx, tenantId: string, name: string): Promise<number | undefined> {
  const row = await tx.role.findUnique({ where: { tenantId_name: { tenantId, name } }, select: { rank: true } });
  return row?.rank;
}

/** Names of the tenant's roles that moderate. They do not change until the transaction ends. */
export async function lockModeratorRoles(tx: Tx, tenantId: string): Promise<string[]> {
  return await valueIn(tx, 'lock_moderator_roles', { tenant: tenantId }, z.array(z.string()));
}

/** Creates the built-in roles of a new tenant. */
export async function createBuiltInRoles(tx: Tx, tenantId: string): Promise<void> {
  await tx.role.createMany({
    data: Object.entries(builtInRoles).map(([name, body]) => ({ tenantId, name, ...toColumns(body) })),
  });
}

function toColumns(body: PutRoleBody) {
  return {
    stageCapabilities: body.stage?.capabilities ?? [],
    stageTtlSeconds: body.stage?.ttlSeconds ?? null,
    chatCapabilities: body.chat?.capabilities ?? [],
    chatSessionMinutes: body.chat?.sessionMinutes ?? null,
    moderator: body.moderator,
    rank: body.rank,
    attributes: body.attributes,
    clientAttributes: body.clientAttributes,
  };
}

function toRole(row: RoleRow): Role {
  return {
    name: row.name,
    stage:
      row.stageTtlSeconds === null
        ? null
        : {
            capabilities: row.stageCapabilities as NonNullable<Role['stage']>['capabilities'],
            ttlSeconds: row.stageTtlSeconds,
          },
    chat:
      row.chatSessionMinutes === null
        ? null
        : {
            capabilities: row.chatCapabilities as NonNullable<Role['chat']>['capabilities'],
            sessionMinutes: row.chatSessionMinutes,
          },
    moderator: row.moderator,
    rank: row.rank,
    attributes: row.attributes as Record<string, string>,
    clientAttributes: row.clientAttributes,
  };
}
