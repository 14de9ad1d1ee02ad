import { Injectable, Logger } from '@nestjs/common';
import { callerRef, type TenantCaller } from '../caller.ts';
import { ModerationDatabase, type Tx } from '../database/database.ts';
import type { Action as ActionRow, Prisma, Target as TargetRow } from '../database/generated/client.ts';
import { notFound } from '../errors.ts';
import { type Page, readCursor, toPage } from '../http/paging.ts';
import { newId } from '../ids.ts';
import { currentRequest } from '../request-context.ts';
import type { Action, ActionKind, ActionsQuery } from './actions.schemas.ts';
import { Authority } from '../auth/authority.ts';
import { Delivery } from '../delivery/delivery.ts';

/** What is to be written down of an act. */
export interface NewAction {
  kind: ActionKind;
  spaceId: string | null;
  userId?: string;
  reason?: string | undefined;
}

/** The record of what moderators did, and of how far it has been carried out. */
@Injectable()
export class ActionsService {
  private readonly logger = new Logger(ActionsService.name);

  constructor(
    private readonly database: ModerationDatabase,
    private readonly authority: Authority,
    private readonly delivery: Delivery,
  ) {}

  /** Writes an act down, in the transaction that decides it. Returns its id. */
  async record(tx: Tx, caller: TenantCaller, act: NewAction): Promise<string> {
    const id = newId('act');
    await tx.$executeRaw`
      select record_action(${caller.tenantId}, ${id}, ${act.kind}, ${act.spaceId}, ${act.userId ?? null}, null,
                           ${act.reason ?? null}, ${JSON.stringify(callerRef(caller))}::jsonb,
                           ${secondsSinceAsked()}::double precision)`;
    return id;
  }

  /**
   * Carries out what can be at once, and tells how it stands. What remains goes on in the background.
   * @param withinMs longest to wait for it, if it is to be less than usual.
   */
  async carryOut(caller: TenantCaller, actionId: string, withinMs?: number): Promise<Action> {
    await this.delivery.deliver(caller.tenantId, actionId, withinMs).catch((error: unknown) => {
      this.logger.warn({ actionId, err: error }, 'an act is on record, but could not be carried out at once');
    });
    return await this.database.inTenantOf(caller, (tx) => findAction(tx, caller.tenantId, actionId));
  }

  async get(caller: TenantCaller, actionId: string): Promise<Action> {
    return await this.database.inTenantOf(caller, async (tx) => {
      const found = await findAction(tx, caller.tenantId, actionId);
      await this.authority.assertModerator(tx, caller, found.spaceId);
      return found;
    });
  }

  /** Newest first. */
  async list(caller: TenantCaller, query: ActionsQuery): Promise<Page<Action>> {
    const { tenantId } = caller;
    const before = readCursor(query.cursor);
    return await this.database.inTenantOf(caller, async (tx) => {
      await this.authority.assertModerator(tx, caller, query.spaceId ?? null);
      const open = query.state === undefined ? undefined : await openIds(tx, tenantId);
      const rows = await tx.action.findMany({
        where: {
          tenantId,
          ...(query.spaceId !== undefined && { spaceId: query.spaceId }),
          id: {
            ...(before !== undefined && { lt: before }),
            ...(open && (query.state === 'pending' ? { in: open } : { notIn: open })),
          },
        },
        orderBy: { id: 'desc' },
        take: query.limit + 1,
      });
      const ids = rows.map((row) => row.id);
      const targets = await targetsOf(tx, tenantId, ids);
      const unfinished = await unfinishedOf(tx, tenantId, ids);
      return toPage(
        rows,
        query.limit,
        (row) => row.id,
        (row) => toAction(row, targets.get(row.id) ?? [], unfinished.has(row.id)),
      );
    });
  }
}

/** How long ago the request came in that is being carried out. */
export function secondsSinceAsked(): number {
  const startedAt = currentRequest()?.startedAt;
  return startedAt === undefined ? 0 : (performance.now() - startedAt) / 1000;
}

/** @throws Problem `not_found` */
export async function findAction(tx: Tx, tenantId: string, actionId: string): Promise<Action> {
  const row = await tx.action.findUnique({ where: { tenantId_id: { tenantId, id: actionId } } });
  if (!row) throw notFound('action');
  const targets = await targetsOf(tx, tenantId, [actionId]);
  const unfinished = await unfinishedOf(tx, tenantId, [actionId]);
  return toAction(row, targets.get(actionId) ?? [], unfinished.has(actionId));
}

/** Acts that are not carried out yet. */
async function openIds(tx: Tx, tenantId: string): Promise<string[]> {
  const open = { state: { in: ['pending', 'stuck'] } };
  const rows = [
    ...(await tx.target.findMany({ where: { tenantId, ...open }, distinct: ['actionId'], select: { actionId: true } })),
    ...(await tx.unfinishedAct.findMany({ where: { tenantId }, select: { actionId: true } })),
  ];
  return rows.map(({ actionId }) => actionId);
}

/** Which of these acts have calls that are not even written down yet. */
async function unfinishedOf(tx: Tx, tenantId: string, actionIds: string[]): Promise<Set<string>> {
  const where = { tenantId, actionId: { in: actionIds } };
  const rows = await tx.unfinishedAct.findMany({ where, select: { actionId: true } });
  return new Set(rows.map(({ actionId }) => actionId));
}

async function targetsOf(tx: Tx, tenantId: string, actionIds: string[]): Promise<Map<string, TargetRow[]>> {
  const rows = await tx.target.findMany({
    where: { tenantId, actionId: { in: actionIds } },
    orderBy: { id: 'asc' },
  });
  return Map.groupBy(rows, (row) => row.actionId);
}

function toAction(row: ActionRow, targets: TargetRow[], unfinished: boolean): Action {
  const open = unfinished || targets.some(({ state }) => state === 'pending' || state === 'stuck');
  return {
    id: row.id,
    kind: row.kind as ActionKind,
    spaceId: row.spaceId,
    ...(row.userId !== null && { userId: row.userId }),
    ...(row.reason !== null && { reason: row.reason }),
    state: open ? 'pending' : 'delivered',
    targets: targets.map(toTarget),
    requestedBy: row.requestedBy as Action['requestedBy'],
    createdAt: row.createdAt.toISOString(),
    ...(row.silencedAt !== null && { silencedAt: row.silencedAt.toISOString() }),
  };
}

function toTarget(row: TargetRow): Action['targets'][number] {
  // IVS may know the user by a pseudonym; callers know him by his id.
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
