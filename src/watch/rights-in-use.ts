import type { ParticipantEvent } from '../ivs/ivs-real-time.ts';

/** A change of role that asked a participant to exchange their token for a lesser one. */
export interface Demotion {
  /** When the role was changed. */
  since: Date;
  /** Capabilities of the lesser token. */
  allowed: readonly string[];
}

/**
 * Says whether a connected participant has, or has again, more rights than the demotion left them.
 *
 * IVS names the rights of a token only when a participant exchanges one. Without an exchange the events tell two things:
 * what the participant has done, and whether they joined before the demotion, so with a token that is not the lesser one.
 * A participant who joined later and has done nothing that the lesser token forbids may stay: both tokens let the same
 * participant in.
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

/** Events that only a token with the right makes possible, and the right. */
const proves: ReadonlyMap<string, string> = new Map([
  ['PUBLISH_STARTED', 'PUBLISH'],
  ['SUBSCRIBE_STARTED', 'SUBSCRIBE'],
]);
