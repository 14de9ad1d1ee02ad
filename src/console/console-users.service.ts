import { Injectable } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import type { TenantCaller } from '../caller.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database, ReadDatabase, type Tx } from '../database/database.ts';
import type { ConsoleUser as ConsoleUserRow } from '../database/generated/client.ts';
import { runIn } from '../database/sql-call.ts';
import { notFound, Problem } from '../errors.ts';
import { type ListQuery, type Page, readCursor, toPage, userKeys } from '../http/paging.ts';
import { tokensHaveLeft } from '../http/release-window.ts';
import { assertBelowQuota } from '../quotas.ts';
import type { ConsoleUser, PutConsoleUserBody } from './console-users.schemas.ts';

/** Who of a tenant may use the console, and as what. */
@Injectable()
export class ConsoleUsersService {
  constructor(
    private readonly database: Database,
    private readonly reads: ReadDatabase,
    private readonly clock: DatabaseClock,
  ) {}

  async list(caller: TenantCaller, query: ListQuery): Promise<Page<ConsoleUser>> {
    const { tenantId } = caller;
    const after = readCursor(query.cursor, userKeys);
    const rows = await this.reads.inTenantOf(caller, (tx) =>
      tx.consoleUser.findMany({
        where: {
          tenantId,
          ...(after !== undefined && { userId: { gt: after } }),
        },
        orderBy: { userId: 'asc' },
        take: query.limit + 1,
      }),
    );
    return toPage(rows, query.limit, (row) => row.userId, toConsoleUser);
  }

  /**
   * Gives a person a role of the console, or another one.
   * @throws Problem `not_found` if the tenant has no such identity provider for the console; `forbidden` if the key of
   * the caller is bound; `quota_exceeded`.
   */
  async put(caller: TenantCaller, userId: string, { issuerId, role, name }: PutConsoleUserBody): Promise<ConsoleUser> {
    assertUnbound(caller);
    const { tenantId } = caller;
    const where = { tenantId_userId: { tenantId, userId } };
    const put = await this.database.inTenantOf(caller, async (tx) => {
      const [issuer] = await tx.$queryRaw<unknown[]>`
        select id from console_issuers where tenant_id = ${tenantId} and id = ${issuerId} for key share`;
      if (!issuer) throw notFound('identity provider for the console');
      const old = await tx.consoleUser.findUnique({ where });
      if (!old) {
        await assertBelowQuota(tx, tenantId, 'consoleUsers', (take) =>
          tx.consoleUser.count({ where: { tenantId }, take }),
        );
      }
      const columns = { issuerId, role, name: name ?? null };
      const row = await tx.consoleUser.upsert({
        where,
        create: { tenantId, userId, ...columns },
        update: { ...columns, updatedAt: this.clock.now() },
      });
      if (old && old.issuerId !== issuerId) await endSessions(tx, tenantId, old.issuerId, userId);
      const details = {
        role,
        issuer: issuerId,
        ...(old && { before: old.role }),
      };
      const answer = () => ({ status: 200, body: toConsoleUser(row) });
      await audit(tx, caller, {
        action: 'consoleUser.put',
        tenantId,
        userId,
        subject: userId,
        details,
        answer,
      });
      return { user: toConsoleUser(row), isNew: !old };
    });
    if (!put.isNew) await tokensHaveLeft();
    return put.user;
  }

  /** Takes the role of a person, and ends their sessions. */
  async remove(caller: TenantCaller, userId: string): Promise<void> {
    assertUnbound(caller);
    const { tenantId } = caller;
    await this.database.inTenantOf(caller, async (tx) => {
      const row = await tx.consoleUser.findUnique({
        where: { tenantId_userId: { tenantId, userId } },
      });
      const { count } = await tx.consoleUser.deleteMany({
        where: { tenantId, userId },
      });
      if (!row || count === 0) throw notFound('person of the console');
      await endSessions(tx, tenantId, row.issuerId, userId);
      const details = { role: row.role, issuer: row.issuerId };
      const answer = () => ({ status: 204 });
      await audit(tx, caller, {
        action: 'consoleUser.delete',
        tenantId,
        userId,
        subject: userId,
        details,
        answer,
      });
    });
    await tokensHaveLeft();
  }
}

/** Ends the sessions that were made with an identity provider: those of a person; null: of everybody. */
export async function endSessions(tx: Tx, tenant: string, issuer: string, user: string | null): Promise<void> {
  await runIn(tx, 'end_sessions_of_person', { tenant, issuer, user });
}

/**
 * What a person of the console may do is bound by their role alone. So a key that is bound makes none, and changes no
 * identity provider.
 * @throws Problem `forbidden`
 */
export function assertUnbound(caller: TenantCaller): void {
  if (caller.kind !== 'apiKey' || Object.values(caller.bounds).every((bound) => bound === undefined)) return;
  throw new Problem(
    'forbidden',
    'A key that is bound to roles, spaces or addresses cannot decide who uses the console. Use a key that is not bound.',
  );
}

function toConsoleUser({ userId, issuerId, role, name, createdAt, updatedAt }: ConsoleUserRow): ConsoleUser {
  return {
    userId,
    issuerId,
    role: role as ConsoleUser['role'],
    name,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
