import type { ParticipantEvent } from '../ivs/ivs-real-time.ts';
import { exceedsAllowed } from './rights-in-use.ts';

/** Makes events of seconds and names. The demotion is at second 0. `=A+B` is an exchange for a token with rights A and B. */
function events(history: [second: number, name: string][]): ParticipantEvent[] {
  return history.map(([second, name]) => {
    const eventTime = new Date(second * 1000);
    return name.startsWith('=')
      ? { name: 'TOKEN_EXCHANGED', eventTime, newToken: { capabilities: name.slice(1).split('+').filter(Boolean) } }
      : { name, eventTime };
  });
}

const subscribe = ['SUBSCRIBE'];

test.each<[string, readonly string[], boolean, [number, string][]]>([
  [
    'has exchanged',
    subscribe,
    false,
    [
      [-10, 'JOINED'],
      [5, '=SUBSCRIBE'],
    ],
  ],
  [
    'has published and exchanged',
    subscribe,
    false,
    [
      [-10, 'JOINED'],
      [-5, 'PUBLISH_STARTED'],
      [5, '=SUBSCRIBE'],
      [5, 'PUBLISH_STOPPED'],
    ],
  ],
  [
    'had the lesser rights already',
    subscribe,
    false,
    [
      [-10, 'JOINED'],
      [-5, '=SUBSCRIBE'],
    ],
  ],
  [
    'has less than allowed',
    ['PUBLISH', 'SUBSCRIBE'],
    false,
    [
      [-10, 'JOINED'],
      [5, '=SUBSCRIBE'],
    ],
  ],
  [
    'watches after the exchange',
    subscribe,
    false,
    [
      [-10, 'JOINED'],
      [5, '=SUBSCRIBE'],
      [6, 'SUBSCRIBE_STARTED'],
    ],
  ],
  [
    'came back and watches',
    subscribe,
    false,
    [
      [-10, 'JOINED'],
      [3, 'LEFT'],
      [5, 'JOINED'],
      [6, 'SUBSCRIBE_STARTED'],
    ],
  ],
  [
    'tried to publish in vain',
    subscribe,
    false,
    [
      [5, 'JOINED'],
      [6, 'PUBLISH_ERROR'],
    ],
  ],
  ['came after the demotion', subscribe, false, [[5, 'JOINED']]],
  ['has never exchanged', subscribe, true, [[-10, 'JOINED']]],
  [
    'has never exchanged, and publishes',
    subscribe,
    true,
    [
      [-10, 'JOINED'],
      [-5, 'PUBLISH_STARTED'],
    ],
  ],
  [
    'exchanged back',
    subscribe,
    true,
    [
      [-10, 'JOINED'],
      [5, '=SUBSCRIBE'],
      [15, '=PUBLISH+SUBSCRIBE'],
    ],
  ],
  [
    'came back and publishes',
    subscribe,
    true,
    [
      [-10, 'JOINED'],
      [5, '=SUBSCRIBE'],
      [8, 'LEFT'],
      [9, 'JOINED'],
      [10, 'PUBLISH_STARTED'],
    ],
  ],
  [
    'came back, published and stopped',
    subscribe,
    true,
    [
      [9, 'JOINED'],
      [10, 'PUBLISH_STARTED'],
      [11, 'PUBLISH_STOPPED'],
    ],
  ],
  [
    'may publish only, and watches',
    ['PUBLISH'],
    true,
    [
      [5, 'JOINED'],
      [6, 'SUBSCRIBE_STARTED'],
    ],
  ],
  [
    'may do nothing, and watches',
    [],
    true,
    [
      [5, 'JOINED'],
      [6, 'SUBSCRIBE_STARTED'],
    ],
  ],
  ['is not known to IVS', subscribe, true, []],
  [
    'has events out of order',
    subscribe,
    false,
    [
      [5, '=SUBSCRIBE'],
      [-5, 'PUBLISH_STARTED'],
      [-10, 'JOINED'],
    ],
  ],
])('a participant who %s, with %j allowed: exceeds is %s', (_, allowed, exceeds, history) => {
  expect(exceedsAllowed(events(history), { since: new Date(0), allowed })).toBe(exceeds);
  expect(exceedsAllowed(events(history).toReversed(), { since: new Date(0), allowed })).toBe(exceeds);
});

/** The lists that AWS's documents show: their order, and whether the times are cut to the second. */
const orders: Record<string, (oldestFirst: ParticipantEvent[]) => ParticipantEvent[]> = {
  'oldest first': (list) => list,
  'newest first': (list) => list.toReversed(),
  'newest second first, oldest first within it': (list) =>
    list.toSorted((a, b) => b.eventTime.getTime() - a.eventTime.getTime()),
};
const precisions: Record<string, (time: Date) => Date> = {
  milliseconds: (time) => time,
  'whole seconds': (time) => new Date(Math.floor(time.getTime() / 1_000) * 1_000),
};
const lists = Object.keys(orders).flatMap((order) => Object.keys(precisions).map((precision) => [order, precision]));

/** What really happened, in seconds after the demotion, which was at 0.4 s. */
const truths: [string, boolean, [number, string][]][] = [
  [
    'publishes and exchanges in one second',
    false,
    [
      [-10, 'JOINED'],
      [5.1, 'PUBLISH_STARTED'],
      [5.5, '=SUBSCRIBE'],
    ],
  ],
  [
    'publishes, exchanges and stops in one second',
    false,
    [
      [-10, 'JOINED'],
      [5.1, 'PUBLISH_STARTED'],
      [5.5, '=SUBSCRIBE'],
      [5.5, 'PUBLISH_STOPPED'],
    ],
  ],
  [
    'joins, publishes and exchanges in one second',
    false,
    [
      [5.1, 'JOINED'],
      [5.3, 'PUBLISH_STARTED'],
      [5.5, '=SUBSCRIBE'],
    ],
  ],
  ['joins with the lesser token in the second of the demotion', false, [[0.7, 'JOINED']]],
  [
    'leaves, joins and exchanges in one second, and then watches',
    false,
    [
      [-10, 'JOINED'],
      [5.1, 'LEFT'],
      [5.2, 'JOINED'],
      [5.4, '=SUBSCRIBE'],
      [6.1, 'SUBSCRIBE_STARTED'],
    ],
  ],
  [
    'exchanges, and comes back to publish in one second',
    true,
    [
      [-10, 'JOINED'],
      [5.1, '=SUBSCRIBE'],
      [8, 'LEFT'],
      [9.1, 'JOINED'],
      [9.2, 'PUBLISH_STARTED'],
    ],
  ],
  [
    'exchanges, comes back and publishes, all in one second',
    true,
    [
      [-10, 'JOINED'],
      [5.1, '=SUBSCRIBE'],
      [5.2, 'LEFT'],
      [5.3, 'JOINED'],
      [5.4, 'PUBLISH_STARTED'],
    ],
  ],
  [
    'does everything in one second, and publishes in the end',
    true,
    [
      [5.1, 'JOINED'],
      [5.2, 'PUBLISH_STARTED'],
      [5.3, '=SUBSCRIBE'],
      [5.3, 'PUBLISH_STOPPED'],
      [5.4, 'LEFT'],
      [5.5, 'JOINED'],
      [5.6, 'PUBLISH_STARTED'],
    ],
  ],
  [
    'exchanges back in the same second',
    true,
    [
      [-10, 'JOINED'],
      [5.1, '=SUBSCRIBE'],
      [5.2, '=PUBLISH+SUBSCRIBE'],
    ],
  ],
  [
    'publishes in the second of the demotion, and never exchanges',
    true,
    [
      [0.6, 'JOINED'],
      [0.8, 'PUBLISH_STARTED'],
    ],
  ],
  ['joined a second before the demotion, and never exchanges', true, [[-1.1, 'JOINED']]],
];

describe.each(lists)('of a list %s, in %s,', (order = '', precision = '') => {
  test.each(truths)('a participant who %s: exceeds is %s', (_, exceeds, history) => {
    const told = events(history).map((event) => ({
      ...event,
      eventTime: precisions[precision]?.(event.eventTime) ?? event.eventTime,
    }));
    const since = new Date(400);
    expect(exceedsAllowed(orders[order]?.(told) ?? [], { since, allowed: subscribe })).toBe(exceeds);
  });
});
