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
 * @param events all events of the participant in the session, in any order.
 */
export function exceedsAllowed(events: readonly ParticipantEvent[], { since, allowed }: Demotion): boolean {
  let rights: readonly string[] = [];
  let mayHaveLesserToken = false;
  for (const { name, eventTime, newToken } of events.toSorted(
    (a, b) => a.eventTime.getTime() - b.eventTime.getTime(),
  )) {
    if (name === 'JOINED') {
      rights = [];
      mayHaveLesserToken = eventTime >= since;
    } else if (name === 'TOKEN_EXCHANGED') {
      rights = newToken?.capabilities ?? [];
      mayHaveLesserToken = newToken !== undefined;
    } else {
      const right = rightsByEvent.get(name);
      if (right !== undefined) rights = [...rights, right];
    }
  }
  return !mayHaveLesserToken || rights.some((right) => !allowed.includes(right));
}

/** Names of events that only a participant with a certain right can cause, and the right. */
const rightsByEvent: ReadonlyMap<string, string> = new Map([
  ['PUBLISH_STARTED', 'PUBLISH'],
  ['SUBSCRIBE_STARTED', 'SUBSCRIBE'],
]);
