import { setImmediate as nextTurn } from 'node:timers/promises';
import { Groups } from './groups.ts';

/** A call to the database, which ends when the test says so. */
interface Call {
  users: string[];
  end: (error?: Error) => void;
}

let calls: Call[];
let leaving: string[];
let groups: Groups<{ userId: string; spaceId: string }, string>;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  calls = [];
  leaving = [];
  groups = new Groups(async (together) => {
    await call(together.flatMap(({ items }) => items.map(({ userId }) => userId)));
    return together.map(({ items }) =>
      items.map(({ userId }) => (leaving.includes(userId) ? undefined : { result: `${userId} in a group` })),
    );
  });
});

afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

async function call(users: string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    calls.push({ users, end: (error) => (error ? reject(error) : resolve()) });
  });
}

async function vend(userId: string, { spaceId = 'spc', tenantId = 'ten' } = {}): Promise<string> {
  return await groups.run(tenantId, { userId, spaceId }, async () => {
    await call([userId]);
    return `${userId} alone`;
  });
}

/** Who is at the database, in the order in which the calls began. */
function callers(): string[][] {
  return calls.map(({ users }) => users);
}

/** Ends all calls, and those that follow on them, until everything has its result. */
async function finish<T>(results: Promise<T>[]): Promise<PromiseSettledResult<T>[]> {
  const all = Promise.allSettled(results);
  const goesOn = () => Promise.race([all.then(() => false), nextTurn(true)]);
  for (let at = 0; await goesOn();) while (at < calls.length) calls[at++]?.end();
  return await all;
}

test('a request that finds nobody goes at once, in a call of its own', async () => {
  const ann = vend('ann');
  expect(callers()).toEqual([['ann']]);
  calls[0]?.end();
  expect(await ann).toBe('ann alone');
  const ben = vend('ben');
  expect(callers()).toEqual([['ann'], ['ben']]);
  calls[1]?.end();
  expect(await ben).toBe('ben alone');
});

test('those who come while a call is at the database go together next', async () => {
  const results = ['ann', 'ben', 'cleo', 'dan'].map((user) => vend(user));
  expect(callers()).toEqual([['ann']]);
  calls[0]?.end();
  await nextTurn();
  expect(callers()).toEqual([['ann'], ['ben', 'cleo', 'dan']]);
  results.push(vend('eve'));
  const outcomes = await finish(results);
  expect(callers()).toEqual([['ann'], ['ben', 'cleo', 'dan'], ['eve']]);
  expect(outcomes.map((one) => one.status === 'fulfilled' && one.value)).toEqual([
    'ann alone',
    ...['ben', 'cleo', 'dan'].map((user) => `${user} in a group`),
    'eve alone',
  ]);
});

test('who leaves a group is decided alone, while the next group is at the database', async () => {
  const results = ['ann', 'ben', 'cleo'].map((user) => vend(user));
  leaving = ['cleo'];
  calls[0]?.end();
  await nextTurn();
  results.push(vend('dan'), vend('eve'));
  calls[1]?.end();
  await nextTurn();
  await nextTurn();
  expect(callers().slice(2)).toEqual([['dan', 'eve'], ['cleo']]);
  const outcomes = await finish(results);
  expect(outcomes.map((one) => one.status === 'fulfilled' && one.value)).toEqual([
    'ann alone',
    'ben in a group',
    'cleo alone',
    'dan in a group',
    'eve in a group',
  ]);
});

test('a user is in a group once', async () => {
  const results = ['ann', 'ben', 'ben', 'cleo', 'ben'].map((user) => vend(user));
  await finish(results);
  expect(callers()).toEqual([['ann'], ['ben', 'cleo'], ['ben'], ['ben']]);
});

test('a group takes 64 locks at most: those of its users and of their spaces', async () => {
  const inOneSpace = Array.from({ length: 100 }, (_, n) => vend(`ann-${n}`));
  await finish(inOneSpace);
  expect(callers().map((users) => users.length)).toEqual([1, 63, 36]);
  calls = [];
  const spread = Array.from({ length: 70 }, (_, n) => vend(`ben-${n}`, { spaceId: `spc-${n}` }));
  await finish(spread);
  expect(callers().map((users) => users.length)).toEqual([1, 32, 32, 5]);
});

test('tenants do not wait for each other', async () => {
  const results = ['ten', 'ten_b', 'ten', 'ten_b', 'ten'].map((tenantId, n) => vend(`user-${n}`, { tenantId }));
  expect(callers()).toEqual([['user-0'], ['user-1']]);
  await finish(results);
  expect(callers()).toEqual([['user-0'], ['user-1'], ['user-2', 'user-4'], ['user-3']]);
});

/** A request of a tenant of its own. */
function vendOf(name: string): Promise<string> {
  return vend(name, { tenantId: `ten_${name}` });
}

test('no more than three calls are at the database; those who come meanwhile go together, whatever their tenant', async () => {
  const results = ['ann', 'ben', 'cleo', 'dan', 'eve'].map(vendOf);
  results.push(vend('dan', { tenantId: 'ten_b' }), vend('fay', { tenantId: 'ten_dan' }));
  expect(callers()).toEqual([['ann'], ['ben'], ['cleo']]);
  calls[1]?.end();
  await nextTurn();
  // The same name is another user at another tenant.
  expect(callers().slice(3)).toEqual([['dan', 'fay', 'eve', 'dan']]);
  leaving = ['eve'];
  const outcomes = await finish(results);
  expect(callers().slice(4)).toEqual([['eve']]);
  expect(outcomes.map((one) => one.status === 'fulfilled' && one.value)).toEqual([
    'ann alone',
    'ben alone',
    'cleo alone',
    'dan in a group',
    'eve alone',
    'dan in a group',
    'fay in a group',
  ]);
});

test('a tenant has one call at the database at a time, beside those of others', async () => {
  const results = ['ann', 'ben', 'cleo'].map(vendOf);
  results.push(vend('first', { tenantId: 'ten_big' }), vend('dan', { tenantId: 'ten_dan' }));
  calls[0]?.end();
  await nextTurn();
  results.push(...['second', 'third'].map((user) => vend(user, { tenantId: 'ten_big' })));
  calls[1]?.end();
  calls[2]?.end();
  await nextTurn();
  expect(callers().slice(3)).toEqual([['first', 'dan']]);
  await finish(results);
  expect(callers().slice(4)).toEqual([['second', 'third']]);
});

test('tenants take turns, and one with a thousand requests delays no other one', async () => {
  const busy = ['ann', 'ben', 'cleo'].map(vendOf);
  const crowd = Array.from({ length: 1_000 }, (_, n) => vend(`big-${n}`, { tenantId: 'ten_big' }));
  const others = Array.from({ length: 40 }, (_, n) => vendOf(`small-${n}`));
  for (const one of calls.slice(0, 3)) one.end();
  await nextTurn();
  const sizes = () => callers().map((users) => users.length);
  // 63 users and their space; 32 tenants with a user and a space each; the rest.
  expect(sizes().slice(3)).toEqual([63, 32, 8]);
  calls[3]?.end();
  await nextTurn();
  const more = Array.from({ length: 40 }, (_, n) => vendOf(`late-${n}`));
  for (const one of calls.slice(4)) one.end();
  await nextTurn();
  expect(callers()[7]?.filter((user) => user.startsWith('late'))).toHaveLength(32);
  await finish([...busy, ...crowd, ...others, ...more]);
  expect(Math.max(...sizes())).toBe(63);
});

test('a lone call that takes long gives its turn to those of other tenants too', async () => {
  const results = ['ann', 'ben', 'cleo', 'dan', 'eve'].map(vendOf);
  expect(calls).toHaveLength(3);
  jest.advanceTimersByTime(20);
  expect(callers().slice(3)).toEqual([['dan', 'eve']]);
  await finish(results);
});

test('a request that waits for the calls of other tenants waits for a second at most', async () => {
  const results = ['ann', 'ben', 'cleo'].map(vendOf);
  for (const at of [0, 1, 2]) {
    results.push(vendOf(`one-${at}`), vendOf(`two-${at}`));
    calls[at]?.end();
    await nextTurn();
  }
  expect(callers().slice(3)).toEqual([0, 1, 2].map((at) => [`one-${at}`, `two-${at}`]));
  const late = vendOf('late');
  jest.advanceTimersByTime(1_000);
  await expect(late).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 1 });
  await finish(results);
  expect(calls).toHaveLength(6);
  expect((await finish([vendOf('late')]))[0]).toEqual({ status: 'fulfilled', value: 'late alone' });
});

test('nobody waits long for a lone call, which may wait for a lock', async () => {
  const results = ['ann', 'ben', 'cleo', 'dan'].map((user) => vend(user));
  jest.advanceTimersByTime(19);
  expect(callers()).toEqual([['ann']]);
  jest.advanceTimersByTime(1);
  expect(callers()).toEqual([['ann'], ['ben', 'cleo', 'dan']]);
  results.push(vend('eve'));
  calls[0]?.end(); // It gives its turn to nobody: it has none any more.
  await results[0];
  await nextTurn();
  expect(calls).toHaveLength(2);
  await finish(results);
  expect(callers()[2]).toEqual(['eve']);
});

test('an error of a group is that of all its members, and the next group goes', async () => {
  const results = ['ann', 'ben', 'cleo'].map((user) => vend(user));
  calls[0]?.end();
  await nextTurn();
  results.push(vend('dan'));
  calls[1]?.end(new Error('the connection was lost'));
  const outcomes = await finish(results);
  expect(outcomes.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))).toEqual([
    'ann alone',
    'Error: the connection was lost',
    'Error: the connection was lost',
    'dan alone',
  ]);
});

test('a request that has waited for a second is turned away, and takes part in no call', async () => {
  const first = groups.run('ten', { userId: 'ann', spaceId: 'spc' }, () => call(['ann']).then(() => ''));
  const results = ['ben', 'cleo'].map((user) => vend(user));
  jest.advanceTimersByTime(20);
  const late = vend('dan');
  jest.advanceTimersByTime(1_000);
  await expect(late).rejects.toMatchObject({ code: 'unavailable', status: 503, retryAfterSeconds: 1 });
  await finish([first, ...results]);
  expect(callers()).toEqual([['ann'], ['ben', 'cleo']]);
});

test('so many wait and no more, and a tenant with many leaves room for the others', async () => {
  const crowd = Array.from({ length: 6_000 }, (_, n) => vend(`ann-${n}`));
  const other = Array.from({ length: 1_000 }, (_, n) => vend(`ben-${n}`, { tenantId: 'ten_b' }));
  const [outcomes, others] = await Promise.all([finish(crowd), Promise.allSettled(other)]);
  const turnedAway = outcomes.filter(({ status }) => status === 'rejected');
  expect(turnedAway.length).toBe(6_000 - 1 - 2_500);
  expect(turnedAway[0]).toMatchObject({ reason: { code: 'unavailable', retryAfterSeconds: 1 } });
  expect(new Set(others.map(({ status }) => status))).toEqual(new Set(['fulfilled']));
  expect((await finish([vend('eve')]))[0]).toEqual({ status: 'fulfilled', value: 'eve alone' });
});
