import type { Ban as BanRow } from '../database/generated/client.ts';
import type { NewEvent } from '../events/event-log.ts';
import type { EventData } from '../events/event-types.ts';

type BanOfEvent = Pick<BanRow, 'id' | 'userId' | 'spaceId'>;

/** The event of a new ban. */
export function banCreated(ban: BanOfEvent, data: Omit<EventData<'ban.created'>, 'banId'>): NewEvent {
  return { type: 'ban.created', ...placeOf(ban), data: { banId: ban.id, ...data } };
}

/** The event of the end of a ban that did not end by itself. */
export function banLifted(ban: BanOfEvent, data: Omit<EventData<'ban.lifted'>, 'banId'>): NewEvent {
  return { type: 'ban.lifted', ...placeOf(ban), data: { banId: ban.id, ...data } };
}

function placeOf({ userId, spaceId }: BanOfEvent) {
  return { userId, ...(spaceId !== null && { spaceId }) };
}
