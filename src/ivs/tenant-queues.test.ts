import { TenantQueues } from './tenant-queues.ts';

const weights: Record<string, number> = { big: 3 };
let queues: TenantQueues;
/** The tenants that had a turn, in order; those whose wait ended without one. */
let turns: string[];
let sentAway: string[];

beforeEach(() => {
  jest.useFakeTimers();
  queues = new TenantQueues((tenantId) => weights[tenantId] ?? 1);
  [turns, sentAway] = [[], []];
});

afterEach(() => {
  jest.useRealTimers();
});

function wait(tenantId: string, times: number): void {
  for (let n = 0; n < times; n++) {
    void queues.wait(tenantId, 1_000).then((given) => (given ? turns : sentAway).push(tenantId));
  }
}

async function give(times: number): Promise<string> {
  for (let n = 0; n < times; n++) queues.giveTurn();
  await jest.advanceTimersByTimeAsync(0);
  return turns.join(' ');
}

test('a tenant with a weight has as many turns where others have one, and no more', async () => {
  wait('big', 8);
  wait('a', 4);
  wait('b', 4);
  expect(await give(11)).toBe('big big big a b big big big a b big');
  expect(await give(5)).toBe('big big big a b big big big a b big big a b a b');
});

test('turns that a tenant did not need are not saved up', async () => {
  wait('big', 1);
  wait('a', 2);
  expect(await give(1)).toBe('big');
  wait('big', 4);
  expect(await give(6)).toBe('big a big big big a big');
});

test('a line that is shortened is shared by weight', async () => {
  wait('big', 20);
  wait('a', 20);
  wait('b', 1);
  queues.keepNext(13);
  await jest.advanceTimersByTimeAsync(0);
  expect([queues.callsOf('big'), queues.callsOf('a'), queues.callsOf('b')]).toEqual([9, 3, 1]);
  expect(queues.turnCanCome('big', 20)).toBe(true);
  expect(queues.turnCanCome('a', 10)).toBe(false);
});

test('the turns until one more call has its own are counted by the turns of the others', () => {
  expect(queues.turnsUntil('a')).toBe(1);
  wait('big', 100);
  expect(queues.turnsUntil('a')).toBe(4);
  expect(queues.turnsUntil('big')).toBe(101);
  wait('a', 3);
  expect(queues.turnsUntil('a')).toBe(16);
});
