import type { ParticipantEvent } from '../ivs/ivs-real-time.ts';

/** A change of role, after which a participant has to exchange their token for a lesser one. */
export interface Demotion {
  /** Time of the change of role. */
  since: Date;
  /** Capabilities of the lesser token. */
  allowed: readonly string[];
}

/**
 * Whether a connected participant has more rights than the demotion allows.
 *
 * An event of IVS has the rights of a token only if a participant exchanged their token (service model, `Event`). Without an
 * exchange the events show what the participant has done, and whether they joined before the demotion, with a token that
 * is not the lesser one. A participant who joined later may have either token. They exceed the allowed rights only if they
 * have done something that the lesser token forbids.
 *
 * AWS's documents show two orders of the events, with whole seconds or with fractions. So the order of events with the same
 * time is open. It is taken in both directions, and the one counts in which IVS could have let all of it happen: nobody
 * publishes right after an exchange for a token that does not allow it, or before they have joined. If both are possible,
 * and the list is not oldest first, the participant exceeds if they do in one of them. They can come in again at once with a
 * token of their new role.
 *
 * @param events all events of the participant in the session, oldest first or newest first.
 */
export function exceedsAllowed(events: readonly ParticipantEvent[], demotion: Demotion): boolean {
  const isOldestFirst = (events[0]?.eventTime ?? 0) < (events.at(-1)?.eventTime ?? 0);
  const since = sinceAsPreciseAs(events, demotion.since);
  const [asListed, turnedRound] = [events, events.toReversed()].map((listed) =>
    live(
      listed.toSorted((a, b) => a.eventTime.getTime() - b.eventTime.getTime()),
      { ...demotion, since },
    ),
  ) as [Life, Life];
  if (turnedRound.impossible < asListed.impossible) return turnedRound.exceeds;
  if (isOldestFirst || asListed.impossible < turnedRound.impossible) return asListed.exceeds;
  return asListed.exceeds || turnedRound.exceeds;
}

/** What a sequence of events comes to. */
interface Life {
  exceeds: boolean;
  /** Number of events that IVS could not have let happen in this order. */
  impossible: number;
}

/** Follows a participant through their events, from the first to the last. */
function live(events: readonly ParticipantEvent[], { since, allowed }: Demotion): Life {
  let rights: readonly string[] = [];
  /** The rights of the token, if an exchange has shown them. */
  let known: readonly string[] | undefined;
  let mayHaveLesserToken = false;
  let isIn = false;
  let publishes = false;
  let impossible = 0;
  for (const { name, eventTime, newToken } of events) {
    const right = rightsByEvent.get(name);
    if (name === 'JOINED') {
      if (isIn) impossible++;
      [isIn, publishes, rights, known] = [true, false, [], undefined];
      mayHaveLesserToken = eventTime >= since;
    } else if (name === 'TOKEN_EXCHANGED') {
      if (!isIn) impossible++;
      known = newToken?.capabilities;
      rights = known ?? [];
      mayHaveLesserToken = newToken !== undefined;
    } else if (right !== undefined) {
      if (!isIn || known?.includes(right) === false || (right === 'PUBLISH' && publishes)) impossible++;
      if (right === 'PUBLISH') publishes = true;
      rights = [...rights, right];
    } else if (name === 'PUBLISH_STOPPED') {
      if (!publishes) impossible++;
      publishes = false;
    } else if (name === 'LEFT') {
      if (!isIn) impossible++;
      isIn = false;
    }
  }
  if (!isIn) impossible++; // ListParticipants has just said that they are connected
  return { exceeds: !mayHaveLesserToken || rights.some((right) => !allowed.includes(right)), impossible };
}

/** A time without its fraction of a second, if the times of these events have none. */
function sinceAsPreciseAs(events: readonly ParticipantEvent[], since: Date): Date {
  const areWholeSeconds = events.every(({ eventTime }) => eventTime.getMilliseconds() === 0);
  return areWholeSeconds ? new Date(Math.floor(since.getTime() / 1_000) * 1_000) : since;
}

/** Names of events that only a participant with a certain right can cause, and the right. */
const rightsByEvent: ReadonlyMap<string, string> = new Map([
  ['PUBLISH_STARTED', 'PUBLISH'],
  ['SUBSCRIBE_STARTED', 'SUBSCRIBE'],
]);
