import { RoleSession } from './role-session.ts';

const minute = 60_000;

/** A session on a clock that stands still until it is moved. `fails` says whether STS refuses. */
function onClock() {
  const state = { now: Date.parse('2030-01-01T00:00:00Z'), asked: 0, fails: false };
  const session = new RoleSession(
    async () => {
      state.asked += 1;
      await Promise.resolve();
      if (state.fails) throw new Error(`refused ${state.asked}`);
      const expiration = new Date(state.now + 60 * minute);
      return { accessKeyId: `key ${state.asked}`, secretAccessKey: 'secret', expiration };
    },
    () => state.now,
  );
  const key = async () => (await session.credentials()).accessKeyId;
  return { state, session, key };
}

/** Lets what is under way in the background end. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

it('all who ask at once share one answer, and nobody waits for the renewal', async () => {
  const { state, key } = onClock();
  expect(await Promise.all([key(), key(), key()])).toEqual(['key 1', 'key 1', 'key 1']);
  state.now += 39 * minute;
  expect(await key()).toBe('key 1');
  expect(state.asked).toBe(1);
  state.now += 2 * minute;
  expect(await Promise.all([key(), key()])).toEqual(['key 1', 'key 1']);
  await settle();
  expect(await key()).toBe('key 2');
  expect(state.asked).toBe(2);
});

it('while STS refuses, the last credentials are used until a minute before their end, and STS is asked now and then', async () => {
  const { state, key } = onClock();
  await key();
  state.fails = true;
  state.now += 41 * minute;
  for (let n = 0; n < 10; n++) expect(await key()).toBe('key 1');
  await settle();
  expect(state.asked).toBe(2);
  expect(await key()).toBe('key 1');
  state.now += minute / 2;
  expect(await key()).toBe('key 1');
  await settle();
  expect(state.asked).toBe(3);
  state.now += 18 * minute;
  await expect(key()).rejects.toThrow('refused');
  state.fails = false;
  state.now += 1_000;
  expect(await key()).toBe('key 5');
});

it('a refusal is the answer to everybody for a second', async () => {
  const { state, key } = onClock();
  state.fails = true;
  await Promise.all([1, 2, 3].map(() => expect(key()).rejects.toThrow('refused 1')));
  await expect(key()).rejects.toThrow('refused 1');
  state.now += 1_000;
  await expect(key()).rejects.toThrow('refused 2');
  expect(state.asked).toBe(2);
});
