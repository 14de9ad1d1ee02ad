import { afterCommit } from '../database/commits.ts';
import type { Tx } from '../database/database.ts';
import type { Event as EventRow, Prisma } from '../database/generated/client.ts';
import { runIn } from '../database/sql-call.ts';
import { rowsLookedAt } from '../http/paging.ts';
import { type EventData, type EventType, onlyIfAsked } from './event-types.ts';

/** An event that a transaction makes happen. `data` never holds a secret or a token. */
export type NewEvent = {
  [Type in EventType]: { type: Type; spaceId?: string; userId?: string; data: EventData<Type> };
}[EventType];

/** Whom `eventsWereWritten` tells. */
const numberers = new Set<() => void>();

/** Calls `wake` each time when this process has committed events. Returns a function that ends it. */
export function whenEventsAreWritten(wake: () => void): () => void {
  numberers.add(wake);
  return () => numberers.delete(wake);
}

/** Says that events were committed. Without it they get their places a quarter of a second later. */
export function eventsWereWritten(): void {
  for (const wake of numberers) wake();
}

/**
 * Writes events in the transaction that makes them happen, in this order. Readers see them once `number_events` has given them
 * their places, some milliseconds after the commit.
 */
export async function writeEvents(tx: Tx, tenantId: string, events: NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await runIn(tx, 'write_events', { tenant: tenantId, events: JSON.stringify(events) });
  afterCommit(tx, eventsWereWritten);
}

/** What a reader of a log asks for. */
export interface EventsAsked {
  /** The place after which the events begin; 0: the first event. */
  after: number;
  /** The largest number of events. */
  limit: number;
  /** Only events of these types; undefined: of all but grant.issued, of which there are too many. */
  types?: readonly string[] | 'all' | undefined;
  spaceId?: string | undefined;
  userId?: string | undefined;
  /** Only events that happened at this time or later, in ISO 8601. */
  since?: string | undefined;
}

/** An event with its place in the log of its tenant. */
export interface LoggedEvent extends Omit<EventRow, 'position' | 'loggedAt' | 'written'> {
  position: number;
}

/** Events in the order of the log. */
export interface EventsFound {
  events: LoggedEvent[];
  /** The place to go on after. Up to here no event is missing that fits. */
  position: number;
  /** The place of the newest event of the tenant; 0: it has none. If it is `position`, the reader is at the end. */
  last: number;
  /** How many events after the asked place were dropped for their age, whether they would fit or not. */
  missed: number;
}

/** The place of the newest event of a tenant; 0: it has none. */
export async function lastPosition(tx: Tx, tenantId: string): Promise<number> {
  return Number((await tx.eventLog.findUnique({ where: { tenantId } }))?.lastPosition ?? 0);
}

/**
 * Reads the events of a tenant after a place, at most `limit`, in the order of the log. Whoever goes on after `position` sees
 * each event once, and misses none, whatever is committed meanwhile: a place is given after the commit.
 *
 * One condition is served by an index. With more of them a call looks at 2,000 events at most, and may find none and have
 * more to look at all the same (docs/decisions/0023).
 */
export async function readEvents(tx: Tx, tenantId: string, asked: EventsAsked): Promise<EventsFound> {
  // Read first: what is committed after it comes with the next call.
  const log = await tx.eventLog.findUnique({ where: { tenantId } });
  const last = Number(log?.lastPosition ?? 0);
  const firstKept = Number(log?.firstPosition ?? 1);
  const missed = Math.max(0, firstKept - 1 - asked.after);
  const after = await beginning(tx, tenantId, asked, { last, after: asked.after + missed });
  if (after >= last) return { events: [], position: Math.max(after, asked.after), last, missed };

  const { served, others } = conditionsOf(tenantId, asked);
  const within = { gt: after, lte: last };
  const inOrder = { orderBy: { position: 'asc' } } as const;
  const end = others
    ? await tx.event.findFirst({
        where: { ...served, position: within },
        select: { position: true },
        ...inOrder,
        skip: rowsLookedAt - 1,
      })
    : null;
  const lookedAt = end ? Number(end.position) : last;
  const where = { ...served, ...others, position: { gt: after, lte: lookedAt } };
  const rows = await tx.event.findMany({ where, ...inOrder, take: asked.limit });
  const events = rows.map(toLogged);
  const newest = rows.length === asked.limit ? events.at(-1)?.position : undefined;
  return { events, position: newest ?? lookedAt, last, missed };
}

/** The place after which events can have happened at `since` or later. No event was put into the log before it happened. */
async function beginning(
  tx: Tx,
  tenantId: string,
  { since }: EventsAsked,
  { after, last }: { after: number; last: number },
): Promise<number> {
  if (since === undefined) return after;
  const first = await tx.event.findFirst({
    where: { tenantId, position: { not: null }, loggedAt: { gte: since } },
    select: { position: true },
    orderBy: [{ loggedAt: 'asc' }, { position: 'asc' }],
  });
  return first ? Math.max(after, Number(first.position) - 1) : Math.max(after, last);
}

/** `served`: what an index finds in the order of the log. `others`: further conditions, if there are any. */
function conditionsOf(
  tenantId: string,
  { types, spaceId, userId, since }: EventsAsked,
): { served: Prisma.EventWhereInput; others: Prisma.EventWhereInput | undefined } {
  const [type, ...otherTypes] = types === undefined || types === 'all' ? [] : types;
  const conditions: Prisma.EventWhereInput[] = [
    ...(userId === undefined ? [] : [{ userId }]),
    ...(spaceId === undefined ? [] : [{ spaceId }]),
    ...(type !== undefined && otherTypes.length === 0 ? [{ type }] : []),
  ];
  const [first, ...more] = conditions;
  if (type !== undefined && otherTypes.length > 0) more.push({ type: { in: [type, ...otherTypes] } });
  if (types === undefined) more.push({ type: { not: onlyIfAsked } });
  if (since !== undefined) more.push({ at: { gte: since } });
  return { served: { tenantId, ...first }, others: more.length === 0 ? undefined : { AND: more } };
}

function toLogged({ position, loggedAt: _, written: _written, ...row }: EventRow): LoggedEvent {
  return { ...row, position: Number(position) };
}
