import type { ParticipantEvent } from '../ivs/ivs-real-time.ts';

/**
 * The events of a participant, oldest first. AWS's documents show them in two orders, with whole seconds or with fractions.
 * Events of the same time stay in the order of the list, which is turned round if it is newest first.
 */
export function oldestFirst(events: readonly ParticipantEvent[]): ParticipantEvent[] {
  const isNewestFirst = (events[0]?.eventTime ?? 0) > (events.at(-1)?.eventTime ?? 0);
  const listed = isNewestFirst ? events.toReversed() : events;
  return listed.toSorted((one, other) => one.eventTime.getTime() - other.eventTime.getTime());
}
