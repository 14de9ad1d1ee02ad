import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { callerRef, type TenantCaller } from '../caller.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { ModerationDatabase, ReadDatabase, type Tx } from '../database/database.ts';
import type { Action as ActionRow, Delivery as DeliveryRow, Prisma } from '../database/generated/client.ts';
import { actionsWithOpenDeliveries, deliveriesOf, isOpen } from '../delivery/deliveries.ts';
import { callIn, valueIn } from '../database/sql-call.ts';
import { notFound } from '../errors.ts';
import { type Page, readCursor, toPage } from '../http/paging.ts';
import type { Action, ActionKind, ActionsQuery } from './actions.schemas.ts';
import { Authority } from '../auth/authority.ts';
import { Delivery } from '../delivery/delivery.ts';
import type { RecordedAct } from './record-act.ts';

/** Longest time that a request waits for the calls of its action, in milliseconds. */
const callsWaitMs = 2_000;

/** Longest time that a request then waits to read its action, in milliseconds. */
const readWaitMs = 1_000;

/** Shows actions, and carries them out. */
@Injectable()
export class ActionsService {
  private readonly logger = new Logger(ActionsService.name);

  constructor(
    private readonly database: ModerationDatabase,
    private readonly reads: ReadDatabase,
    private readonly authority: Authority,
    private readonly delivery: Delivery,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * Makes the calls of an action that the rates allow now, and returns the action. The background makes the others. The
   * action is on record, so this never fails: if it cannot be read in time, the answer is what is known of it.
   * @param callsMs longest wait for the calls, in milliseconds.
   * @param readMs longest wait to read the action after that, in milliseconds.
   */
  async carryOut(
    caller: TenantCaller,
    recorded: RecordedAct,
    callsMs = callsWaitMs,
    readMs = readWaitMs,
  ): Promise<Action> {
    const { tenantId } = caller;
    const calls = this.delivery.deliver(tenantId, recorded.id, callsMs).catch((error: unknown) => {
      this.logger.warn(
        { actionId: recorded.id, err: error },
        'the first calls of an action could not be made; the background makes them',
      );
    });
    await inTime(calls, callsMs);
    const reading = this.database
      .inTenantOf(caller, (tx) => findAction(tx, tenantId, recorded.id))
      .catch((error: unknown) => {
        this.logger.warn({ actionId: recorded.id, err: error }, 'an action could not be read after it was recorded');
      });
    return (await inTime(reading, readMs)) ?? asRecorded(caller, recorded, this.clock.now());
  }

  async get(caller: TenantCaller, actionId: string): Promise<Action> {
    return await this.reads.inTenantOf(caller, async (tx) => {
      const found = await findAction(tx, caller.tenantId, actionId);
      await this.authority.assertModerator(tx, caller, found.spaceId);
      return found;
    });
  }

  /** Newest first. */
  async list(caller: TenantCaller, query: ActionsQuery): Promise<Page<Action>> {
    const { tenantId } = caller;
    const before = readCursor(query.cursor);
    return await this.reads.inTenantOf(caller, async (tx) => {
      await this.authority.assertModerator(tx, caller, query.spaceId ?? null);
      const pending = query.state === undefined ? undefined : await pendingActionIds(tx, tenantId);
      const rows = await tx.action.findMany({
        where: {
          tenantId,
          ...(query.spaceId !== undefined && { spaceId: query.spaceId }),
          id: {
            ...(before !== undefined && { lt: before }),
            ...(pending && (query.state === 'pending' ? { in: pending } : { notIn: pending })),
          },
        },
        orderBy: { id: 'desc' },
        take: query.limit + 1,
      });
      const ids = rows.map((row) => row.id);
      const deliveries = await deliveriesOf(tx, tenantId, ids);
      const unfinished = await unfinishedAmong(tx, tenantId, ids);
      return toPage(
        rows,
        query.limit,
        (row) => row.id,
        (row) => toAction(row, deliveries.get(row.id) ?? [], unfinished.has(row.id)),
      );
    });
  }
}

/** Waits for work, but not longer than this. Returns undefined if it is not done by then; it goes on. */
async function inTime<T>(work: Promise<T>, milliseconds: number): Promise<T | undefined> {
  const abort = new AbortController();
  const timeUp = sleep(milliseconds, undefined, { signal: abort.signal }).catch(() => undefined);
  try {
    return await Promise.race([work, timeUp]);
  } finally {
    abort.abort();
  }
}

/** An action as it was recorded, before anything is known of its deliveries. */
function asRecorded(caller: TenantCaller, { id, kind, spaceId, userId, reason }: RecordedAct, now: Date): Action {
  return {
    id,
    kind,
    spaceId,
    ...(userId !== undefined && { userId }),
    ...(reason !== undefined && { reason }),
    state: 'pending',
    targets: [],
    requestedBy: callerRef(caller),
    createdAt: now.toISOString(),
  };
}

/** @throws Problem `not_found` */
export async function findAction(tx: Tx, tenantId: string, actionId: string): Promise<Action> {
  const row = await tx.action.findUnique({ where: { tenantId_id: { tenantId, id: actionId } } });
  if (!row) throw notFound('action');
  const deliveries = await deliveriesOf(tx, tenantId, [actionId]);
  const unfinished = await unfinishedAmong(tx, tenantId, [actionId]);
  return toAction(row, deliveries.get(actionId) ?? [], unfinished.has(actionId));
}

/** Ids of the tenant's actions that are not carried out yet. */
async function pendingActionIds(tx: Tx, tenantId: string): Promise<string[]> {
  const unfinished = await tx.unfinishedAction.findMany({ where: { tenantId }, select: { actionId: true } });
  return [
    ...(await actionsWithOpenDeliveries(tx, tenantId)),
    ...unfinished.map(({ actionId }) => actionId),
    ...(await actionsOnFailingLooks(tx, tenantId)),
  ];
}

/** Ids of the tenant's actions that rest on looks that fail: nobody knows whether the people concerned are out. */
async function actionsOnFailingLooks(tx: Tx, tenantId: string): Promise<Set<string>> {
  const rows = await callIn(tx, 'actions_on_failing_looks', { tenant: tenantId }, z.object({ action_id: z.string() }));
  return new Set(rows.map((row) => row.action_id));
}

/** Ids of those of these actions that have not treated all their grants yet, or that rest on looks that fail. */
async function unfinishedAmong(tx: Tx, tenantId: string, actionIds: string[]): Promise<Set<string>> {
  const where = { tenantId, actionId: { in: actionIds } };
  const rows = await tx.unfinishedAction.findMany({ where, select: { actionId: true } });
  return new Set([...rows.map(({ actionId }) => actionId), ...(await actionsOnFailingLooks(tx, tenantId))]);
}

function toAction(row: ActionRow, deliveries: DeliveryRow[], isUnfinished: boolean): Action {
  const isPending = isUnfinished || deliveries.some(isOpen);
  return {
    id: row.id,
    kind: row.kind as ActionKind,
    spaceId: row.spaceId,
    ...(row.userId !== null && { userId: row.userId }),
    ...(row.reason !== null && { reason: row.reason }),
    state: isPending ? 'pending' : 'delivered',
    targets: deliveries.map(toTarget),
    requestedBy: row.requestedBy as Action['requestedBy'],
    createdAt: row.createdAt.toISOString(),
    ...(row.silencedAt !== null && !isUnfinished && { silencedAt: row.silencedAt.toISOString() }),
  };
}

function toTarget(row: DeliveryRow): Action['targets'][number] {
  // IVS may know the user by a pseudonym. Callers know them by their id.
  const { userId } = row.parameters as Prisma.JsonObject;
  return {
    operation: row.operation as Action['targets'][number]['operation'],
    target: row.operation === 'DisconnectUser' && typeof userId === 'string' ? userId : row.target,
    state: row.state as Action['targets'][number]['state'],
    attempts: row.attempts,
    ...(row.lastError !== null && { lastError: row.lastError }),
    ...(row.doneAt !== null && { doneAt: row.doneAt.toISOString() }),
  };
}

/** Id of the action of a ban. Undefined only for a ban that somebody wrote into the database by hand. */
export async function actionOfBan(tx: Tx, tenantId: string, banId: string): Promise<string | undefined> {
  const row = await tx.action.findFirst({ where: { tenantId, banId }, select: { id: true } });
  return row?.id;
}

/** Id of the newest action that froze a space. The space has been frozen before. */
export async function newestFreezing(tx: Tx, tenantId: string, spaceId: string): Promise<string> {
  return await valueIn(tx, 'newest_freezing', { tenant: tenantId, space: spaceId }, z.string());
}
