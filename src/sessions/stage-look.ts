import { z } from 'zod';
import type { Participant } from '../ivs/participant-lists.ts';

/** A session whose participants a look lists. */
const listing = z.object({
  sessionId: z.string(),
  /** ISO 8601. */
  startedAt: z.string(),
  /** The end of the session, ISO 8601; absent: it goes on. */
  endedAt: z.string().optional(),
  nextToken: z.string().optional(),
});
export type Listing = z.output<typeof listing>;

/** A look at who is on a stage, as the table stage_looks keeps it between two steps. */
export const stageLook = z.object({
  /** Its beginning. ISO 8601. */
  since: z.string(),
  /** The session that goes on; null: nobody is on the stage. */
  active: z.string().nullable(),
  /** What is still to be listed, in this order: sessions that have ended, and then the one that goes on. */
  listings: z.array(listing),
});
export type StageLook = z.output<typeof stageLook>;

/** What a look notes of a participant, as `note_participant` takes it. Times are in ISO 8601. */
export interface Fact {
  participantId: string;
  userId: string;
  from: string;
  at: string;
  certainty: 'confirmed';
  published: boolean;
  backFrom?: string;
  goneAt?: string;
}

/**
 * What a page of a list says of a participant. In a session that goes on they are connected, `at` the time of the step. In one
 * that has ended they were there once, and had left by its end.
 */
export function factOf(
  { participantId, userId, published, firstJoinTime }: Participant,
  list: Listing,
  at: string,
): Fact {
  const fact = { participantId, userId, published, certainty: 'confirmed' } as const;
  const joinedAt = firstJoinTime?.toISOString();
  if (list.endedAt === undefined) return { ...fact, from: joinedAt ?? at, at, backFrom: at };
  const from = joinedAt ?? list.startedAt;
  return { ...fact, from, at: from, goneAt: list.endedAt };
}

/** The look after a page of its first list. */
export function afterPage(look: StageLook, nextToken: string | undefined): StageLook {
  const [first, ...others] = look.listings;
  if (!first || nextToken === undefined) return { ...look, listings: others };
  return { ...look, listings: [{ ...first, nextToken }, ...others] };
}
