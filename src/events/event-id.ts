import { TypeID } from 'typeid-js';

/**
 * The id of an event, such as `evt_000000000t81grk8h0e0z3c2m4`: a UUID of version 8 in base 32. Its first 48 bits are the
 * place of the event in the log of its tenant, and the others are random. So ids sort in the order of the log, no two events
 * of the deployment share one, and whoever has an id can go on after it, also when the event was dropped for its age.
 * @param random the id of the row: a UUID of version 4.
 */
export function eventId(position: number, random: string): string {
  const hex = position.toString(16).padStart(12, '0');
  return TypeID.fromUUID('evt', `${hex.slice(0, 8)}-${hex.slice(8)}-8${random.slice(15)}`).toString();
}

/** An id that names a place and no event. Who goes on after it gets the events behind that place. */
export function idOfPlace(position: number): string {
  return eventId(position, '00000000-0000-4000-8000-000000000000');
}

/** The place that an id names; undefined if the text is no id of an event. */
export function positionOf(id: string): number | undefined {
  try {
    return Number.parseInt(TypeID.fromString(id, 'evt').toUUID().replaceAll('-', '').slice(0, 12), 16);
  } catch {
    return undefined;
  }
}
