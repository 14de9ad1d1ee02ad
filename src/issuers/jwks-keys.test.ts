import { generateKeyPairSync } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { JwksServer, saying, serving } from '../../test/api/issuers/jwks-server.ts';
import { until } from '../../test/support/until.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Problem } from '../errors.ts';
import { JwksKeys, tenantFetchEveryMs, tenantFetches } from './jwks-keys.ts';

const minute = 60_000;
const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
const named = (...kids: string[]) => serving(kids.map((kid) => Object.assign({ kid }, jwk)));
const down = saying(500, 'no');

beforeAll(() => Logger.overrideLogger(false));

/** A provider, and what a service sees of it whose clock moves when told. */
async function given(answer = named('one')) {
  const server = await JwksServer.start(answer);
  let now = 1_000_000;
  const fetches: string[] = [];
  const keys = new JwksKeys({
    allowPrivateAddresses: true,
    clock: new DatabaseClock(),
    now: () => now,
    onFetched: (result) => fetches.push(result),
  });
  return {
    server,
    keys,
    /** What is counted in the metrics. */
    fetches,
    /** Whether a key with this id is found. */
    has: async (kid: string, tenantId = 'ten_a') =>
      (await keys.find(tenantId, server.uri, (all) => all.filter((key) => key.kid === kid))).length > 0,
    pass: (ms: number) => (now += ms),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function unavailable(work: Promise<unknown>): Promise<Problem> {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  if (error instanceof Problem && error.code === 'unavailable') return error;
  throw new Error('was not unavailable', { cause: error });
}

it('a hundred tokens at once cause one fetch', async () => {
  await using jwks = await given();
  const found = await Promise.all(Array.from({ length: 100 }, () => jwks.has('one')));
  expect(found.every(Boolean)).toBe(true);
  expect(jwks.server.requests).toBe(1);
});

it('ten thousand invented key ids cause one fetch', async () => {
  await using jwks = await given();
  const found = await Promise.all(Array.from({ length: 10_000 }, (_, index) => jwks.has(`made-up-${index}`)));
  expect(found.some(Boolean)).toBe(false);
  expect(jwks.server.requests).toBe(1);
});

it('a steady flood of invented key ids causes one fetch in 30 seconds, after one more at its start', async () => {
  await using jwks = await given();
  for (let second = 0; second < 300; second++, jwks.pass(1_000)) await jwks.has('made-up');
  expect(jwks.server.requests).toBe(1 + 300 / 30);
});

it('a flood while the endpoint is down causes no more fetches', async () => {
  await using jwks = await given(down);
  for (let second = 0; second < 300; second++, jwks.pass(1_000)) await unavailable(jwks.has('one'));
  expect(jwks.server.requests).toBe(1 + 300 / 30);
});

it('a rotated key is known at its first use', async () => {
  await using jwks = await given();
  await jwks.has('one');
  jwks.pass(minute);
  jwks.server.answer = named('one', 'two');
  expect(await jwks.has('two')).toBe(true);
  jwks.pass(minute);
  jwks.server.answer = down;
  expect(await jwks.has('three')).toBe(false);
  expect(jwks.fetches).toEqual(['ok', 'ok', 'failed']);
});

it('a key rotated right after a fetch is known within 5 seconds', async () => {
  await using jwks = await given();
  await jwks.has('one');
  jwks.server.answer = named('two');
  expect(await jwks.has('two')).toBe(false);
  jwks.pass(3_000);
  expect(await jwks.has('two')).toBe(true);
});

it('a removed key is refused after less than 10 minutes, whether it was used in between or not', async () => {
  await using jwks = await given();
  await jwks.has('one');
  jwks.server.answer = named('two');
  jwks.pass(9 * minute);
  expect(await jwks.has('one')).toBe(false);
});

it('keys that are a few minutes old are used at once while they are fetched again', async () => {
  await using jwks = await given();
  await jwks.has('one');
  let answered = 0;
  jwks.server.answer = (request, response) => setTimeout(() => (answered++, named('two')(request, response)), 100);
  jwks.pass(6 * minute);
  expect(await jwks.has('one')).toBe(true);
  expect(answered).toBe(0);
  await until(async () => !(await jwks.has('one')), 'the keys are fetched');
  expect(await jwks.has('two')).toBe(true);
});

describe('when the endpoint goes down', () => {
  it('its last keys are used for a day, and unknown keys stay unknown', async () => {
    await using jwks = await given();
    await jwks.has('one');
    jwks.server.answer = down;
    for (const hours of [1, 10, 12.9]) {
      jwks.pass(hours * 60 * minute);
      expect(await jwks.has('one')).toBe(true);
      expect(await jwks.has('two')).toBe(false);
    }
    jwks.pass(10 * minute);
    await unavailable(jwks.has('one'));
  });

  it.each([
    ['garbage', saying(200, '<html>')],
    ['a set of a million keys', saying(200, `{"keys":[${'{},'.repeat(1_000_000)}{}]}`)],
    ['a redirect', saying(302, '', { location: 'https://login.example.com/' })],
  ])('or answers with %s, the keys it had serve', async (_, answer) => {
    await using jwks = await given();
    await jwks.has('one');
    jwks.server.answer = answer;
    jwks.pass(20 * minute);
    expect(await jwks.has('one')).toBe(true);
    expect(jwks.server.requests).toBe(2);
  });

  it('and comes back, its new keys are found by themselves', async () => {
    await using jwks = await given();
    await jwks.has('one');
    jwks.server.answer = (request) => request.socket.destroy();
    jwks.pass(20 * minute);
    expect(await jwks.has('one')).toBe(true);
    jwks.server.answer = named('two');
    jwks.pass(30_000);
    expect(await jwks.has('two')).toBe(true);
    expect(await jwks.has('one')).toBe(false);
  });
});

describe('when the endpoint has been down since the start', () => {
  it('the problem says when to try again, not what is wrong, and it works then', async () => {
    await using jwks = await given(down);
    const first = await unavailable(jwks.has('one'));
    expect(first.retryAfterSeconds).toBe(3);
    expect(first.detail).not.toMatch(/127|500/);
    jwks.pass(3_000);
    const second = await unavailable(jwks.has('one'));
    expect(second.retryAfterSeconds).toBe(27);
    jwks.server.answer = named('one');
    jwks.pass(27_000);
    expect(await jwks.has('one')).toBe(true);
  });

  it('the issuers of other URLs are served', async () => {
    await using jwks = await given(down);
    await using other = await JwksServer.start(named('one'));
    await unavailable(jwks.has('one'));
    expect(await jwks.keys.find('ten_a', other.uri, (all) => [...all])).toHaveLength(1);
  });
});

it('a tenant that registers another’s URL does not use up the other’s fetches', async () => {
  await using jwks = await given();
  await jwks.has('one', 'ten_a');
  for (let second = 0; second < 60; second++, jwks.pass(1_000)) await jwks.has('made-up', 'ten_b');
  jwks.server.answer = named('two');
  expect(await jwks.has('two', 'ten_a')).toBe(true);
});

it('a tenant that names ever new URLs causes a hundred fetches, then one in three seconds; others are not affected', async () => {
  await using jwks = await given();
  let count = 0;
  const use = (tenantId: string) => jwks.keys.find(tenantId, `${jwks.server.uri}?n=${++count}`, (keys) => [...keys]);
  for (let n = 0; n < tenantFetches; n++) expect(await use('ten_a')).toHaveLength(1);
  const refused = await unavailable(use('ten_a'));
  expect(refused.retryAfterSeconds).toBe(tenantFetchEveryMs / 1000);
  for (let n = 0; n < 300; n++) await unavailable(use('ten_a'));
  expect(jwks.fetches).toHaveLength(tenantFetches);
  expect(await use('ten_b')).toHaveLength(1);
  jwks.pass(tenantFetchEveryMs);
  expect(await use('ten_a')).toHaveLength(1);
  await unavailable(use('ten_a'));
  expect(jwks.fetches).toHaveLength(tenantFetches + 2);
});

it('what fetches find is told once for each change, and good news again after some minutes', async () => {
  await using server = await JwksServer.start(down);
  let now = 1_000_000;
  const told: [string | undefined, number | undefined][] = [];
  const keys = new JwksKeys({
    allowPrivateAddresses: true,
    clock: new DatabaseClock(),
    now: () => now,
    onFound: (_, uri, { fault, usable }) => told.push([uri === server.uri ? fault : uri, usable]),
  });
  const look = async () => {
    now += minute;
    return await keys.look('ten_a', server.uri);
  };
  for (let n = 0; n < 3; n++) expect(await look()).toMatchObject({ fault: 'error_status', usable: undefined });
  server.answer = saying(404, '');
  await look();
  server.answer = named('one', 'two');
  for (let n = 0; n < 6; n++) expect(await look()).toMatchObject({ fault: undefined, usable: 2 });
  server.answer = saying(200, '<html>');
  expect(await look()).toMatchObject({ fault: 'not_json', usable: 2, fetchedAt: expect.any(Date) });
  const [bad, gone, good] = [
    ['error_status', undefined],
    ['not_found', undefined],
    [undefined, 2],
  ];
  expect(told).toEqual([bad, gone, good, good, ['not_json', 2]]);
});

it('keys are fetched again for a signature that none of them fits, under the same limits', async () => {
  await using jwks = await given();
  const again = async () => (await jwks.keys.findAgain('ten_a', jwks.server.uri, (all) => [...all])).length;
  expect(await jwks.has('one')).toBe(true);
  expect(await again()).toBe(0);
  for (let second = 0; second < 300; second++, jwks.pass(1_000)) await again();
  expect(jwks.server.requests).toBe(1 + 300 / 30);
});
