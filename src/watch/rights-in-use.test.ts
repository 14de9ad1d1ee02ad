import { exceedsAllowed } from './rights-in-use.ts';

/** Makes events of seconds and names. The demotion is at second 0. `=A+B` is an exchange for a token with rights A and B. */
function events(history: [second: number, name: string][]) {
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
});
