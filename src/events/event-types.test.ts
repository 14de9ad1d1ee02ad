import { readFileSync } from 'node:fs';
import path from 'node:path';
import { eventId, idOfPlace, positionOf } from './event-id.ts';
import { type EventType, eventTypes, isEventType } from './event-types.ts';

const types = Object.keys(eventTypes) as EventType[];
const root = path.resolve(import.meta.dirname, '../..');

test('each type has an example that its schema takes, and a name of a thing and of what happened to it', () => {
  for (const type of types) {
    const { data, example } = eventTypes[type];
    expect({ type, example: data.parse(example) }).toEqual({ type, example });
    expect(type).toMatch(/^[a-z]+(_[a-z]+)?\.[a-z]+(_[a-z]+)?$/);
  }
});

test('the page about events names each type, and no other', () => {
  const page = readFileSync(path.join(root, 'docs/events.md'), 'utf8').split('## The types')[1] ?? '';
  const named = [...page.matchAll(/`([a-z_]+\.[a-z_]+)`/g)].map((match) => match[1] ?? '');
  expect(new Set(named.filter((name) => !name.includes('json')))).toEqual(new Set(types));
});

test('a name of every object is no type of event', () => {
  expect(['toString', 'constructor', '', 'ban'].filter(isEventType)).toEqual([]);
});

describe('the id of an event', () => {
  const random = '1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed';

  test.each([0, 1, 500, 2 ** 32, 2 ** 47])('holds its place: %d', (position) => {
    expect(eventId(position, random)).toMatch(/^evt_[0-7][0-9a-hjkmnp-tv-z]{25}$/);
    expect(positionOf(eventId(position, random))).toBe(position);
    expect(positionOf(idOfPlace(position))).toBe(position);
  });

  test('sorts by the place, whatever its random part', () => {
    const ids = [1, 2, 9, 10, 11, 255, 256, 70_000].map((position, nth) =>
      eventId(position, nth % 2 === 0 ? random : 'ffffffff-ffff-4fff-bfff-ffffffffffff'),
    );
    expect(ids.toSorted()).toEqual(ids);
  });

  test.each(['', 'evt_', 'evt_1', 'spc_01h455vb4pex5vsknk084sn02q', `evt_${'z'.repeat(26)}`, 'x'.repeat(64)])(
    'is not %p',
    (text) => {
      expect(positionOf(text)).toBeUndefined();
    },
  );
});
