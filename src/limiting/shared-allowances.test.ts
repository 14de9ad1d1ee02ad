import type { CredentialDatabase } from '../database/database.ts';
import { Problem } from '../errors.ts';
import { SharedAllowances } from './shared-allowances.ts';

/** The rows of the table `allowances`, as `settle_allowances` keeps them: when each is whole. */
let wholeAt: Map<string, number>;
let calls: number;
let isAway: boolean;

/** Stands for Postgres, which takes five milliseconds. test/sql/limiting.test.ts tests the function itself. */
const database = {
  async call(_name: string, { tenants, names, seconds }: { tenants: string[]; names: string[]; seconds: number[] }) {
    calls++;
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (isAway) throw new Problem('unavailable', 'the database is away');
    return tenants.map((tenant, at) => {
      const key = `${tenant} ${names[at]}`;
      const now = performance.now();
      const whole = Math.max(wholeAt.get(key) ?? 0, now) + (seconds[at] ?? NaN) * 1_000;
      wholeAt.set(key, whole);
      return { tenant, allowance: names[at], seconds: (whole - now) / 1_000 };
    });
  },
} as unknown as CredentialDatabase;

beforeEach(() => {
  jest.useFakeTimers();
  [wholeAt, calls, isAway] = [new Map(), 0, false];
});

afterEach(async () => {
  await jest.advanceTimersByTimeAsync(2_000);
  jest.useRealTimers();
});

/** Asks a replica once, as a request does. Answers whether it may. */
async function ask(replica: SharedAllowances, most: number, name = 'requests of ann'): Promise<boolean> {
  const allowance = replica.of('ten_a', name, most);
  for (let wait = replica.untilTold(allowance); wait; wait = replica.untilTold(allowance)) await wait;
  if (replica.waitMs(allowance, performance.now()) > 0) return false;
  replica.take(allowance, performance.now());
  return true;
}

async function letThrough(asked: Promise<boolean>[], withinMs = 3_000): Promise<number> {
  const all = Promise.all(asked);
  await jest.advanceTimersByTimeAsync(withinMs);
  return (await all).filter((may) => may).length;
}

test.each([6, 60, 600])(
  'three replicas that are flooded at once let through %i in a minute, and a twentieth more for each but the first',
  async (most) => {
    const replicas = [1, 2, 3].map(() => new SharedAllowances(database));
    const asked = replicas.flatMap((replica) => Array.from({ length: most * 2 }, () => ask(replica, most)));
    const passed = await letThrough(asked);
    expect(passed).toBeGreaterThanOrEqual(most);
    const comesBack = Math.ceil((3 / 60) * most);
    expect(passed).toBeLessThanOrEqual(most + 2 * Math.max(1, most / 20) + comesBack);
  },
);

test('over minutes, three replicas let through what one would', async () => {
  const replicas = [1, 2, 3].map(() => new SharedAllowances(database));
  let passed = 0;
  for (let ms = 0; ms < 180_000; ms += 100) {
    for (const replica of replicas) void ask(replica, 600).then((may) => (passed += may ? 1 : 0));
    await jest.advanceTimersByTimeAsync(100);
  }
  // All of it at once, and as much again in each minute. 30 requests come in each second.
  expect(passed).toBeGreaterThan(600 + 3 * 600 - 60);
  expect(passed).toBeLessThan(600 + 3 * 600 + 60);
});

test('ten thousand users who ask a little ask nothing of the database, and a flood asks it a hundred times a second at most', async () => {
  const replica = new SharedAllowances(database);
  for (let user = 0; user < 10_000; user++) expect(await ask(replica, 600, `requests of ${user}`)).toBe(true);
  await jest.advanceTimersByTimeAsync(1_000);
  expect(calls).toBe(0);
  for (let ms = 0; ms < 1_000; ms += 10) {
    for (let user = 0; user < 100; user++) void ask(replica, 600, `requests of ${user}`);
    await jest.advanceTimersByTimeAsync(10);
  }
  expect(calls).toBeGreaterThan(0);
  expect(calls).toBeLessThanOrEqual(101);
});

test('the wait that is told is the true one', async () => {
  const replica = new SharedAllowances(database);
  await letThrough(
    Array.from({ length: 200 }, () => ask(replica, 60)),
    500,
  );
  const allowance = replica.of('ten_a', 'requests of ann', 60);
  const waitMs = replica.waitMs(allowance, performance.now());
  expect(waitMs).toBeGreaterThan(0);
  await jest.advanceTimersByTimeAsync(Math.ceil(waitMs) - 2);
  expect(await ask(replica, 60)).toBe(false);
  await jest.advanceTimersByTimeAsync(4);
  expect(await ask(replica, 60)).toBe(true);
});

test('while the database is away each replica limits by itself, nobody waits for it, and afterwards they share again', async () => {
  isAway = true;
  const replicas = [1, 2].map(() => new SharedAllowances(database));
  const asked = replicas.map((replica) => Array.from({ length: 1_200 }, () => ask(replica, 600)));
  for (const one of asked) {
    const passed = await letThrough(one);
    expect(passed).toBeGreaterThanOrEqual(600);
    expect(passed).toBeLessThanOrEqual(600 + 70); // six seconds of ten each
  }
  const before = calls;
  await jest.advanceTimersByTimeAsync(10_000);
  expect(calls - before).toBeLessThanOrEqual(2 * 11);
  isAway = false;
  await jest.advanceTimersByTimeAsync(62_000);
  // Nobody pays for what was let through meanwhile.
  expect(await letThrough(Array.from({ length: 500 }, () => ask(replicas[0] as SharedAllowances, 600)))).toBe(500);
  const rest = await letThrough(Array.from({ length: 500 }, () => ask(replicas[1] as SharedAllowances, 600)));
  expect(rest).toBeGreaterThanOrEqual(100);
  expect(rest).toBeLessThanOrEqual(100 + 30 + 70);
});

test('a hundred and ten thousand callers do not fill the memory', () => {
  const replica = new SharedAllowances(database);
  for (let user = 0; user < 110_000; user++) replica.take(replica.of('ten_a', `user ${user}`, 600), performance.now());
  expect(replica.size).toBe(100_000);
});
