import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { ActionsService, actionOfBan } from '../acts/actions.service.ts';
import { findAction } from '../acts/shown-action.ts';
import { cancelActions, undo } from '../acts/undo.ts';
import { audit, auditBeside, noteApplied } from '../audit/audit.ts';
import { Authority } from '../auth/authority.ts';
import { callerRef, isInBounds, type TenantCaller } from '../caller.ts';
import { ModerationDatabase, ReadDatabase, type Tx } from '../database/database.ts';
import type { Ban as BanRow, Prisma } from '../database/generated/client.ts';
import { notFound, Problem } from '../errors.ts';
import { valueIn } from '../database/sql-call.ts';
import { lockUser } from '../grants/ledger.ts';
import { behindAllIds, foundPage, idKeys, type Page, readCursor, rowsLookedAt, toPage } from '../http/paging.ts';
import { newId } from '../ids.ts';
import type { OutrankedBan, OutrankedBans } from '../joins/outranked-bans.ts';
import { banLifted } from './ban-events.ts';
import { currentRequest } from '../request-context.ts';
import { BanRecords, type RecordedBan } from './record-ban.ts';
import type { Ban, BanAnswer, BansQuery, CreateBanBody } from './bans.schemas.ts';

/** Bans of users. From the commit of a ban on, every replica refuses the user tokens where the ban covers them. */
@Injectable()
export class BansService implements OutrankedBans {
  constructor(
    private readonly database: ModerationDatabase,
    private readonly reads: ReadDatabase,
    private readonly authority: Authority,
    private readonly records: BanRecords,
    private readonly actions: ActionsService,
  ) {}

  /**
   * Bans a user. They get no tokens from now on, and are disconnected wherever the ban covers them.
   * @throws Problem `forbidden`, `banned`, `not_found`, or `invalid_request` if the end of the ban is past.
   */
  async create(caller: TenantCaller, body: CreateBanBody): Promise<BanAnswer> {
    const { userId, spaceId } = body;
    const actionId = newId('act');
    const { row, waitSeconds } = currentRequest()?.markApplied
      ? await this.recordOnce(caller, body, actionId)
      : await this.records.record(caller, body, actionId);
    const ban = toBan(row, row.createdAt);
    const recorded = { id: actionId, kind: 'ban' as const, spaceId: spaceId ?? null, userId, reason: body.reason };
    // The answer waits until no token can leave any more that was decided on before the ban.
    const [action] = await Promise.all([this.actions.carryOut(caller, recorded), sleep(Math.ceil(waitSeconds * 1000))]);
    return { ban, action };
  }

  /** Records a ban together with its answer, for requests with an Idempotency-Key. */
  private async recordOnce(caller: TenantCaller, body: CreateBanBody, actionId: string): Promise<RecordedBan> {
    return await this.database.inTenantOf(caller, async (tx) => {
      const recorded = await this.records.recordIn(tx, caller, body, actionId);
      const ban = toBan(recorded.row, recorded.row.createdAt);
      const answer = async () => ({ status: 201, body: { ban, action: await findAction(tx, caller, actionId) } });
      await noteApplied(tx, caller.tenantId, answer);
      return recorded;
    });
  }

  /** Lists bans, the newest first. @throws Problem `forbidden` or `banned` */
  async list(caller: TenantCaller, query: BansQuery): Promise<Page<Ban>> {
    const { tenantId } = caller;
    const before = readCursor(query.cursor, idKeys('ban'));
    const { rows, now, end } = await this.reads.inTenantOf(caller, async (tx) => {
      await this.authority.assertModerator(tx, caller, query.spaceId ?? null);
      const now = await databaseNow(tx);
      return { now, ...(await bansOf(tx, tenantId, query, before, now)) };
    });
    return toPage(
      rows,
      query.limit,
      (row) => row.id,
      (row) => toBan(row, now),
      end,
    );
  }

  /** @throws Problem `not_found`, `forbidden` or `banned` */
  async get(caller: TenantCaller, banId: string): Promise<Ban> {
    return await this.reads.inTenantOf(caller, async (tx) => {
      const row = await findBanFor(tx, caller, banId);
      await this.authority.assertModerator(tx, caller, row.spaceId);
      return toBan(row, await databaseNow(tx));
    });
  }

  /**
   * Lifts a ban, and cancels its deliveries that are not done. So no late call disconnects a user who may be there again.
   * @throws Problem `not_found`, `forbidden` or `banned`, or `conflict` if the ban was lifted already.
   */
  async lift(caller: TenantCaller, banId: string, reason: string | undefined): Promise<Ban> {
    return await undo(this.database, caller, (tx) => this.tryLift(tx, caller, banId, reason));
  }

  /** Ends a ban that does not bind its user, as `OutrankedBans` says. The audit log tells it as `ban.outranked`. */
  async end(caller: TenantCaller, { banId, userId, rank }: OutrankedBan): Promise<void> {
    const { tenantId } = caller;
    await undo(this.database, caller, async (tx) => {
      await lockUser(tx, tenantId, userId);
      const ban = await findBan(tx, tenantId, banId);
      const { liftedAt, spaceId, byRank, createdBy } = ban;
      if (liftedAt !== null) return true;
      const data = { outranked: true };
      if (!(await this.endBan(tx, caller, banId, 'the user outranks the ban', data))) return undefined;
      await auditBeside(tx, caller, {
        action: 'ban.outranked',
        tenantId,
        ...(spaceId !== null && { spaceId }),
        userId,
        subject: banId,
        details: { createdBy, byRank, rank },
        events: [banLifted(ban, { reason: null, outranked: true, by: callerRef(caller) })],
      });
      return true;
    });
  }

  /** Returns undefined while a call of the ban is on its way to IVS. */
  private async tryLift(
    tx: Tx,
    caller: TenantCaller,
    banId: string,
    reason: string | undefined,
  ): Promise<Ban | undefined> {
    const { tenantId } = caller;
    const { userId, spaceId } = await findBanFor(tx, caller, banId);
    await this.authority.assertMayActOn(tx, caller, spaceId, userId);
    await lockUser(tx, tenantId, userId);
    const current = await findBan(tx, tenantId, banId);
    if (current.liftedAt !== null) throw new Problem('conflict', 'The ban was lifted already.');
    const row = await this.endBan(tx, caller, banId, 'the ban was lifted');
    if (!row) return undefined;
    const lifted = toBan(row, await databaseNow(tx));
    await audit(tx, caller, {
      action: 'ban.lift',
      tenantId,
      ...(spaceId !== null && { spaceId }),
      userId,
      subject: banId,
      details: { reason: reason ?? null },
      events: [banLifted(row, { reason: reason ?? null, outranked: false, by: callerRef(caller) })],
      answer: () => ({ status: 200, body: lifted }),
    });
    return lifted;
  }

  /** Ends a ban and cancels its deliveries. Returns undefined while a call of the ban is on its way to IVS. */
  private async endBan(
    tx: Tx,
    caller: TenantCaller,
    banId: string,
    why: string,
    more: Prisma.BanUpdateInput = {},
  ): Promise<BanRow | undefined> {
    const { tenantId } = caller;
    const actionId = await actionOfBan(tx, tenantId, banId);
    if (actionId !== undefined && !(await cancelActions(tx, tenantId, [actionId], why))) return undefined;
    return await tx.ban.update({
      where: { tenantId_id: { tenantId, id: banId } },
      data: { liftedAt: await databaseNow(tx), liftedBy: { ...callerRef(caller) }, ...more },
    });
  }
}

/** The time by the clock of the database. Bans begin and end by this clock. */
async function databaseNow(tx: Tx): Promise<Date> {
  const [clock] = await tx.$queryRaw<{ now: Date }[]>`select clock_timestamp() as now`;
  if (!clock) throw new Error('the database returned no time');
  return clock.now;
}

/** The bans of a page, and the last one that it looked at if there may be more. */
async function bansOf(
  tx: Tx,
  tenantId: string,
  { userId, spaceId, active, limit }: BansQuery,
  before: string | undefined,
  now: Date,
): Promise<{ rows: BanRow[]; end: string | null }> {
  const isExact = active === undefined && (userId === undefined || spaceId === undefined);
  const args = {
    tenant: tenantId,
    by: userId !== undefined ? 'user' : spaceId !== undefined ? 'space' : active === true ? 'notEnded' : 'all',
    value: userId ?? spaceId ?? null,
    before: before ?? behindAllIds,
    space: spaceId ?? null,
    active: active ?? null,
    now,
    most: limit + 1,
    looked: isExact ? limit + 1 : rowsLookedAt,
  };
  const { ids, end } = await valueIn(tx, 'page_of_bans', args, foundPage);
  return { rows: await tx.ban.findMany({ where: { tenantId, id: { in: ids } }, orderBy: { id: 'desc' } }), end };
}

/** @throws Problem `not_found` */
async function findBan(tx: Tx, tenantId: string, banId: string): Promise<BanRow> {
  const row = await tx.ban.findUnique({ where: { tenantId_id: { tenantId, id: banId } } });
  if (!row) throw notFound('ban');
  return row;
}

/** The ban, if it lies in a space that the caller can reach. @throws Problem `not_found` */
async function findBanFor(tx: Tx, caller: TenantCaller, banId: string): Promise<BanRow> {
  const row = await findBan(tx, caller.tenantId, banId);
  if (!isInBounds(caller, row.spaceId)) throw notFound('ban');
  return row;
}

function toBan(row: BanRow, now: Date): Ban {
  return {
    id: row.id,
    userId: row.userId,
    spaceId: row.spaceId,
    ...(row.reason !== null && { reason: row.reason }),
    createdBy: row.createdBy as Ban['createdBy'],
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
    ...(row.liftedAt !== null && { liftedAt: row.liftedAt.toISOString(), liftedBy: row.liftedBy as Ban['createdBy'] }),
    ...(row.outranked && { outranked: true }),
    state: stateOf(row, now),
  };
}

function stateOf(row: BanRow, now: Date): Ban['state'] {
  if (row.liftedAt !== null) return 'lifted';
  return row.expiresAt !== null && row.expiresAt <= now ? 'expired' : 'active';
}
