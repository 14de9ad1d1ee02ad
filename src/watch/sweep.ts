import { z } from 'zod';
import type { ParticipantFilter } from '../ivs/participant-lists.ts';

/** Largest number of users that a look asks IVS for by name. With more users it lists everybody who is connected. */
export const mostByName = 64;

/** A look that takes longer asks for the publishers in between, as often as this, in milliseconds. */
const publishersEveryMs = 2_000;

/** With at most so many questions left, a look ends before it asks for the publishers. */
const fewQuestions = 3;

/**
 * A look at a stage that goes on, as the table watches keeps it between two steps. It finds everybody who is connected from
 * its beginning to its end, in whichever of two ways takes fewer calls: it asks IVS for one user after the other, or it lists
 * everybody, a hundred people in a call.
 */
export const sweep = z.object({
  /** ISO 8601. */
  since: z.string(),
  sessionId: z.string(),
  by: z.enum(['list', 'name']),
  /** Pages of the list that are read. */
  pages: z.int(),
  /** Users whose participants are all known. */
  asked: z.array(z.string()),
  /** The question that has more pages: the user whom it is about, and the token of the next page. */
  user: z.string().optional(),
  nextToken: z.string().optional(),
  /** The question who has published: when it was asked, and the token of its next page. */
  publishers: z.object({ askedAt: z.string(), nextToken: z.string().optional() }).optional(),
});
export type Sweep = z.output<typeof sweep>;

/** What a look knows of a stage before it asks. */
export interface Known {
  /** IVS user ids to look for: at most `mostByName`, or one more if there are more. */
  users: readonly string[];
  /** Number of pages of the list, as of an earlier look; at least so many if that look has left the list. */
  pages: number | null;
}

/** One ListParticipants call. */
export interface Question {
  about: 'everybody' | 'publishers' | 'user';
  filter: ParticipantFilter;
  /** The user, if the question is about one. */
  user?: string;
  nextToken?: string | undefined;
}

/** Begins a look. One user is asked for by name. With more, the first page of the list may do for all of them. */
export function beginSweep(sessionId: string, since: string, { users }: Known): Sweep {
  return { since, sessionId, by: users.length === 1 ? 'name' : 'list', pages: 0, asked: [] };
}

/**
 * The next question of a look. Undefined: the look is whole.
 * @param now ISO 8601.
 */
export function nextQuestion(sweepNow: Sweep, known: Known, now: string): Question | undefined {
  const { by, nextToken, user, publishers, pages } = sweepNow;
  const open = by === 'name' ? usersLeft(sweepNow, known) : [];
  if (by === 'name' && open.length === 0) return undefined;
  const hasBegun = pages > 0 || sweepNow.asked.length > 0;
  const left = by === 'name' ? open.length : Math.max((known.pages ?? Infinity) - pages, 0) || Infinity;
  const isTime = publishers === undefined || Date.parse(now) - Date.parse(publishers.askedAt) >= publishersEveryMs;
  if (hasBegun && left > fewQuestions && isTime) {
    return { about: 'publishers', filter: { filterByPublished: true }, nextToken: publishers?.nextToken };
  }
  if (by === 'list') return { about: 'everybody', filter: { filterByState: 'CONNECTED' }, nextToken };
  const [first = ''] = open;
  return user !== undefined && open.includes(user)
    ? { about: 'user', filter: { filterByUserId: user }, user, nextToken }
    : { about: 'user', filter: { filterByUserId: first }, user: first };
}

/** The look after an answer. `isWhole`: nothing is left to ask. `pages` is set if the answer tells how long the list is. */
export function afterAnswer(
  sweepNow: Sweep,
  known: Known,
  { about, user }: Question,
  { nextToken, now }: { nextToken?: string | undefined; now: string },
): { sweep: Sweep; isWhole: boolean; pages?: number } {
  if (about === 'publishers') {
    return { sweep: { ...sweepNow, publishers: { askedAt: now, ...(nextToken && { nextToken }) } }, isWhole: false };
  }
  const { user: _, nextToken: __, ...rest } = sweepNow;
  if (about === 'user') {
    if (nextToken !== undefined) return { sweep: { ...rest, user: user ?? '', nextToken }, isWhole: false };
    const next = { ...rest, asked: [...rest.asked, user ?? ''] };
    return { sweep: next, isWhole: usersLeft(next, known).length === 0 };
  }
  const pages = rest.pages + 1;
  if (nextToken === undefined) return { sweep: { ...rest, pages }, isWhole: true, pages };
  if (known.users.length <= mostByName && known.users.length <= pagesLeft(pages, known)) {
    return {
      sweep: { ...rest, pages, by: 'name' },
      isWhole: false,
      pages: Math.max(known.pages ?? 0, pages + 1),
    };
  }
  return { sweep: { ...rest, pages, nextToken }, isWhole: false };
}

/** The look with the list instead of names: there are too many users now. */
export function listInstead(sweepNow: Sweep, { users }: Known): Sweep {
  if (sweepNow.by === 'list' || users.length <= mostByName) return sweepNow;
  const { user: _, nextToken: __, ...rest } = sweepNow;
  return { ...rest, by: 'list', pages: 0 };
}

function usersLeft({ asked }: Sweep, { users }: Known): string[] {
  const known = new Set(asked);
  return users.filter((user) => !known.has(user));
}

/** Pages that the list still has, as far as is known. A list that is longer than known may have as many again. */
function pagesLeft(read: number, { pages }: Known): number {
  return pages !== null && pages > read ? pages - read : read;
}
