import type { ParticipantEvent } from '../ivs/ivs-real-time.ts';

/** What somebody was to exchange his token for, and since when. */
export interface Demotion {
  since: Date;
  /** Capabilities of the lesser token. */
  allowed: readonly string[];
}

/**
 * Whether a participant who is connected still has, or has again, more rights than he was left with.
 *
 * IVS names the rights of a token only when one is exchanged. Of who has not exchanged since he joined is known what he has
 * made use of; and if he joined before, that it was not with the lesser token, which did not exist. Who came in after and
 * has done nothing that the lesser token forbids may stay: both tokens open the door to the same participant.
 */
export function exceedsAllowed(events: readonly ParticipantEvent[], { since, allowed }: Demotion): boolean {
  let rights: readonly string[] = [];
  let lesserKnown = false;
  for (const { name, eventTime, newToken } of events.toSorted(
    (a, b) => a.eventTime.getTime() - b.eventTime.getTime(),
  )) {
    if (name === 'JOINED') {
      rights = [];
      lesserKnown = eventTime >= since;
    } else if (name === 'TOKEN_EXCHANGED') {
      rights = newToken?.capabilities ?? [];
      lesserKnown = newToken !== undefined;
    } else {
      const proven = proves.get(name);
      if (proven !== undefined) rights = [...rights, proven];
    }
  }
  return !lesserKnown || rights.some((right) => !allowed.includes(right));
}

/** What only a token with the right to it makes possible. */
const proves: ReadonlyMap<string, string> = new Map([
  ['PUBLISH_STARTED', 'PUBLISH'],
  ['SUBSCRIBE_STARTED', 'SUBSCRIBE'],
]);
