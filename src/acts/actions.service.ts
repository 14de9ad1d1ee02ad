import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { callerRef, isInBounds, type TenantCaller } from '../caller.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { ModerationDatabase, ReadDatabase, type Tx } from '../database/database.ts';
import type { Action as ActionRow } from '../database/generated/client.ts';
import { countDeliveries, firstDeliveries, noDeliveries, pageOfDeliveries } from '../delivery/deliveries.ts';
import { callIn, valueIn } from '../database/sql-call.ts';
import { notFound } from '../errors.ts';
import { idKeys, numberKeys, type Page, readCursor, toPage } from '../http/paging.ts';
import { linkTo } from '../telemetry/spans.ts';
import type { Action, ActionsQuery, Target, TargetsQuery } from './actions.schemas.ts';
import { Authority } from '../auth/authority.ts';
import { Delivery } from '../delivery/delivery.ts';
import type { RecordedAct } from './record-act.ts';
import { findAction, type Shown, shownAction, shownArgs, toAction, toTarget } from './shown-action.ts';

/** Longest time that a request waits for the calls of its action, in milliseconds. */
const callsWaitMs = 2_000;

/** Longest time that a request then waits to read its action, in milliseconds. */
const readWaitMs = 1_000;

/** What the list shows of the deliveries of each action. */
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
    linkTo(recorded.id);
    const calls = this.delivery.deliver(tenantId, recorded.id, callsMs).catch((error: unknown) => {
      this.logger.warn(
        { actionId: recorded.id, err: error },
        'the first calls of an action could not be made; the background makes them',
      );
    });
    await inTime(calls, callsMs);
    const shown = this.database.value('shown_action', shownArgs(caller, recorded.id), shownAction);
    const reading = shown.catch((error: unknown) => {
      this.logger.warn({ actionId: recorded.id, err: error }, 'an action could not be read after it was recorded');
    });
    // It stands in no line: a moderator waits, and everything is on record.
    return (await inTime(reading, readMs)) ?? asRecorded(caller, recorded, this.clock.now());
  }

  async get(caller: TenantCaller, actionId: string): Promise<Action> {
    return await this.reads.inTenantOf(caller, async (tx) => {
      const { spaceId } = await findRow(tx, caller.tenantId, actionId);
      await this.assertMayRead(tx, caller, spaceId);
      return await findAction(tx, caller, actionId);
    });
  }

  /** The deliveries of an action, the oldest first. */
  async listTargets(caller: TenantCaller, actionId: string, query: TargetsQuery): Promise<Page<Target>> {
    const { tenantId } = caller;
    const { state, limit } = query;
    const after = readCursor(query.cursor, numberKeys) ?? '0';
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
      const shown = new Map((await withDeliveries(tx, tenantId, rows)).map((one) => [one.id, one]));
      return toPage(
        rows,
        query.limit,
        (row) => row.id,
        (row) => shown.get(row.id) as Action,
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
async function findRow(tx: Tx, tenantId: string, actionId: string): Promise<ActionRow> {
  const row = await tx.action.findUnique({ where: { tenantId_id: { tenantId, id: actionId } } });
  if (!row) throw notFound('action');
  return row;
}

/** One row more than the page has, if there are more. */
async function findRows(tx: Tx, tenantId: string, query: ActionsQuery): Promise<ActionRow[]> {
  const { spaceId, state, userId, kind } = query;
  const before = readCursor(query.cursor, idKeys('act'));
  const limit = query.limit + 1;
  if (state === undefined) {
    const where = {
      tenantId,
      ...(spaceId !== undefined && { spaceId }),
      ...(userId !== undefined && { userId }),
      ...(kind !== undefined && { kind }),
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
async function withDeliveries(tx: Tx, tenantId: string, rows: ActionRow[]): Promise<Action[]> {
  const ids = rows.map((row) => row.id);
  const deliveries = await firstDeliveries(tx, tenantId, ids, shownInList.targets);
  const counts = await countDeliveries(tx, tenantId, ids, shownInList.counted);
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

/** Id of the action of a ban. Undefined only for a ban that somebody wrote into the database by hand. */
export async function actionOfBan(tx: Tx, tenantId: string, banId: string): Promise<string | undefined> {
  const row = await tx.action.findFirst({ where: { tenantId, banId }, select: { id: true } });
  return row?.id;
}

/** Id of the newest action that froze a space. The space has been frozen before. */
export async function newestFreezing(tx: Tx, tenantId: string, spaceId: string): Promise<string> {
  return await valueIn(tx, 'newest_freezing', { tenant: tenantId, space: spaceId }, z.string());
}
