import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { callerRef, credentialId, isInBounds, type TenantCaller } from '../caller.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { ModerationDatabase, ReadDatabase, type Tx } from '../database/database.ts';
import type { Action as ActionRow } from '../database/generated/client.ts';
import {
  areOpen,
  countDeliveries,
  type DeliveryCounts,
  deliveryRow,
  type DeliveryRow,
  deliveryStates,
  firstDeliveries,
  noDeliveries,
  pageOfDeliveries,
} from '../delivery/deliveries.ts';
import { callIn, valueIn } from '../database/sql-call.ts';
import { invalid, notFound } from '../errors.ts';
import { type Page, readCursor, toPage } from '../http/paging.ts';
import type { Action, ActionKind, ActionsQuery, Target, TargetsQuery } from './actions.schemas.ts';
import { Authority } from '../auth/authority.ts';
import { Delivery } from '../delivery/delivery.ts';
import type { RecordedAct } from './record-act.ts';

/** Longest time that a request waits for the calls of its action, in milliseconds. */
const callsWaitMs = 2_000;

/** Longest time that a request then waits to read its action, in milliseconds. */
const readWaitMs = 1_000;

/** How much an answer shows of the deliveries of an action: their largest number, and how far it counts in each state. */
interface Shown {
  targets: number;
  counted: number;
}
const shownAlone: Shown = { targets: 100, counted: 1_000 };
const shownInList: Shown = { targets: 10, counted: 100 };

/** Number of pending actions that the search for those of a space reads in one step. */
const pendingAtOnce = 500;

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
    const reading = this.read(caller, recorded.id).catch((error: unknown) => {
      this.logger.warn({ actionId: recorded.id, err: error }, 'an action could not be read after it was recorded');
    });
    return (await inTime(reading, readMs)) ?? asRecorded(caller, recorded, this.clock.now());
  }

  /** Reads an action in one round trip. It stands in no line: a moderator waits, and everything is on record. */
  private async read(caller: TenantCaller, actionId: string): Promise<Action | undefined> {
    const found = await this.database.value(
      'shown_action',
      {
        tenant: caller.tenantId,
        kind: caller.kind,
        credential: credentialId(caller),
        mustBeActive: caller.mustBeActive ?? false,
        action: actionId,
        each: shownAlone.targets,
        most: shownAlone.counted,
      },
      shownAction.nullable(),
    );
    if (!found) return undefined;
    const { action, deliveries, counts, isUnfinished } = found;
    return toAction(action, deliveries, { ...noDeliveries(), ...counts }, isUnfinished);
  }

  async get(caller: TenantCaller, actionId: string): Promise<Action> {
    return await this.reads.inTenantOf(caller, async (tx) => {
      const { spaceId } = await findRow(tx, caller.tenantId, actionId);
      await this.assertMayRead(tx, caller, spaceId);
      return await findAction(tx, caller.tenantId, actionId);
    });
  }

  /** The deliveries of an action, the oldest first. */
  async listTargets(caller: TenantCaller, actionId: string, query: TargetsQuery): Promise<Page<Target>> {
    const { tenantId } = caller;
    const { state, limit } = query;
    const after = readCursor(query.cursor) ?? '0';
    if (!/^\d{1,18}$/.test(after)) throw invalid('cursor', 'must be a nextCursor of this list');
    return await this.reads.inTenantOf(caller, async (tx) => {
      const { spaceId } = await findRow(tx, tenantId, actionId);
      await this.assertMayRead(tx, caller, spaceId);
      const rows = await pageOfDeliveries(tx, tenantId, actionId, { state, after, limit: limit + 1 });
      return toPage(rows, limit, (row) => row.id, toTarget);
    });
  }

  /** @throws Problem `not_found`, `forbidden` or `banned` */
  private async assertMayRead(tx: Tx, caller: TenantCaller, spaceId: string | null): Promise<void> {
    if (!isInBounds(caller, spaceId)) throw notFound('action');
    await this.authority.assertModerator(tx, caller, spaceId);
  }

  /** Newest first. */
  async list(caller: TenantCaller, query: ActionsQuery): Promise<Page<Action>> {
    const { tenantId } = caller;
    return await this.reads.inTenantOf(caller, async (tx) => {
      await this.authority.assertModerator(tx, caller, query.spaceId ?? null);
      const rows = await findRows(tx, tenantId, query);
      const shown = new Map((await withDeliveries(tx, tenantId, rows, shownInList)).map((one) => [one.id, one]));
      return toPage(
        rows,
        query.limit,
        (row) => row.id,
        (row) => shown.get(row.id) as Action,
      );
    });
  }
}

/** What `shown_action` returns. */
const shownAction = z.object({
  action: z
    .object({
      id: z.string(),
      kind: z.string(),
      space_id: z.string().nullable(),
      user_id: z.string().nullable(),
      reason: z.string().nullable(),
      requested_by: z.unknown(),
      created_at: z.coerce.date(),
      silenced_at: z.coerce.date().nullable(),
    })
    .transform((row) => ({
      id: row.id,
      kind: row.kind,
      spaceId: row.space_id,
      userId: row.user_id,
      reason: row.reason,
      requestedBy: row.requested_by,
      createdAt: row.created_at,
      silencedAt: row.silenced_at,
    })),
  deliveries: z.array(deliveryRow.extend({ done_at: z.coerce.date().nullable() })),
  counts: z.partialRecord(z.enum(deliveryStates), z.int()),
  isUnfinished: z.boolean(),
});

/** An action, as far as answers show it. */
type ShownRow = z.output<typeof shownAction>['action'];

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
  const row = await findRow(tx, tenantId, actionId);
  const [action] = await withDeliveries(tx, tenantId, [row], shownAlone);
  if (!action) throw notFound('action');
  return action;
}

/** @throws Problem `not_found` */
async function findRow(tx: Tx, tenantId: string, actionId: string): Promise<ActionRow> {
  const row = await tx.action.findUnique({ where: { tenantId_id: { tenantId, id: actionId } } });
  if (!row) throw notFound('action');
  return row;
}

/** One row more than the page has, if there are more. */
async function findRows(tx: Tx, tenantId: string, query: ActionsQuery): Promise<ActionRow[]> {
  const { spaceId, state } = query;
  const before = readCursor(query.cursor);
  const limit = query.limit + 1;
  if (state === undefined) {
    const where = {
      tenantId,
      ...(spaceId !== undefined && { spaceId }),
      ...(before !== undefined && { id: { lt: before } }),
    };
    return await tx.action.findMany({ where, orderBy: { id: 'desc' }, take: limit });
  }
  const args = {
    tenant: tenantId,
    space: spaceId ?? null,
    before: before ?? null,
    limit,
    ...(state === 'pending' && { atOnce: pendingAtOnce }),
  };
  const found = await callIn(tx, `${state}_actions`, args, z.object({ action_id: z.string() }));
  const where = { tenantId, id: { in: found.map((row) => row.action_id) } };
  return await tx.action.findMany({ where, orderBy: { id: 'desc' } });
}

/** The actions as answers show them, in the same order. */
async function withDeliveries(tx: Tx, tenantId: string, rows: ActionRow[], shown: Shown): Promise<Action[]> {
  const ids = rows.map((row) => row.id);
  const deliveries = await firstDeliveries(tx, tenantId, ids, shown.targets);
  const counts = await countDeliveries(tx, tenantId, ids, shown.counted);
  const unfinished = await unfinishedAmong(tx, tenantId, ids);
  return rows.map((row) =>
    toAction(row, deliveries.get(row.id) ?? [], counts.get(row.id) ?? noDeliveries(), unfinished.has(row.id)),
  );
}

/** Ids of those of these actions that have not treated all their grants yet, or that rest on looks that fail. */
async function unfinishedAmong(tx: Tx, tenantId: string, actionIds: string[]): Promise<Set<string>> {
  const where = { tenantId, actionId: { in: actionIds } };
  const rows = await tx.unfinishedAction.findMany({ where, select: { actionId: true } });
  const args = { tenant: tenantId, actions: actionIds };
  const failing = await callIn(tx, 'actions_on_failing_looks', args, z.object({ action_id: z.string() }));
  return new Set([...rows.map(({ actionId }) => actionId), ...failing.map((row) => row.action_id)]);
}

function toAction(
  row: ShownRow | ActionRow,
  deliveries: DeliveryRow[],
  counts: DeliveryCounts,
  isUnfinished: boolean,
): Action {
  const isPending = isUnfinished || areOpen(counts);
  return {
    id: row.id,
    kind: row.kind as ActionKind,
    spaceId: row.spaceId,
    ...(row.userId !== null && { userId: row.userId }),
    ...(row.reason !== null && { reason: row.reason }),
    state: isPending ? 'pending' : 'delivered',
    targets: deliveries.map(toTarget),
    targetCounts: counts,
    requestedBy: row.requestedBy as Action['requestedBy'],
    createdAt: row.createdAt.toISOString(),
    ...(row.silencedAt !== null && !isUnfinished && { silencedAt: row.silencedAt.toISOString() }),
  };
}

function toTarget(row: DeliveryRow): Target {
  // IVS may know the user by a pseudonym. Callers know them by their id.
  const { userId } = row.parameters;
  return {
    operation: row.operation,
    target: row.operation === 'DisconnectUser' && typeof userId === 'string' ? userId : row.target,
    state: row.state,
    attempts: row.attempts,
    ...(row.last_error !== null && { lastError: row.last_error }),
    ...(row.done_at !== null && { doneAt: row.done_at.toISOString() }),
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
