import { Metrics } from '../telemetry/metrics.ts';
import { TenantTurns } from './tenant-turns.ts';

let turns: TenantTurns;
/** Calls that the shared rate has left. */
let left: number;
/** The tenants that had a turn, in order. */
let served: string[];
let asked: number;

beforeEach(() => {
  jest.useFakeTimers();
  left = 0;
  asked = 0;
  served = [];
  turns = turnsFrom((wanted) => {
    asked++;
    const taken = Math.min(wanted, left);
    left -= taken;
    return Promise.resolve(taken);
  });
});

afterEach(async () => {
  await jest.advanceTimersByTimeAsync(4_000);
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

function turnsFrom(reserve: (wanted: number) => Promise<number>): TenantTurns {
  return new TenantTurns('CreateStage', 4, reserve, new Metrics());
}

/** Waits for a turn. Answers the code of the problem if there is none. */
async function wait(tenant: string): Promise<string> {
  try {
    await turns.wait(tenant);
    served.push(tenant);
    return 'served';
  } catch (error) {
    return (error as { toProblem?: () => { code: string } }).toProblem?.().code ?? String(error);
  }
}

it('gives a turn at once while the shared rate has calls left, and reserves no more than wait', async () => {
  left = 10;
  expect(await Promise.all([wait('a'), wait('a'), wait('b')])).toEqual(['served', 'served', 'served']);
  expect(left).toBe(7);
});

it('lets tenants take turns, and the calls of each in the order they came', async () => {
  const all = ['a', 'a', 'a', 'b', 'b', 'c'].map((tenant) => wait(tenant));
  for (let n = 0; n < 6; n++) {
    await jest.advanceTimersByTimeAsync(200);
    left = 1;
  }
  await jest.advanceTimersByTimeAsync(200);
  await Promise.all(all);
  expect(served).toEqual(['a', 'b', 'c', 'a', 'b', 'a']);
});

it('refuses the calls of a tenant that has too many waiting, at once, and serves a tenant that comes later', async () => {
  const flood = Array.from({ length: 40 }, () => wait('flood'));
  expect(await Promise.all(flood.slice(12))).toEqual(Array.from({ length: 28 }, () => 'rate_limited'));
  const late = wait('late');
  await jest.advanceTimersByTimeAsync(100);
  left = 2;
  await jest.advanceTimersByTimeAsync(200);
  expect(await late).toBe('served');
  expect(served).toEqual(['flood', 'late']);
  await jest.advanceTimersByTimeAsync(3_000);
  expect(new Set(await Promise.all(flood.slice(1, 12)))).toEqual(new Set(['ivs_unavailable']));
});

it('says when to try again: when all that wait have had their turn', async () => {
  const flood = Array.from({ length: 12 }, () => wait('flood'));
  await expect(turns.wait('flood')).rejects.toMatchObject({ retryAfterSeconds: 4 });
  await jest.advanceTimersByTimeAsync(3_000);
  await Promise.all(flood);
});

it('asks for the shared rate a few times a second, however many wait', async () => {
  const waiting = Array.from({ length: 10 }, (_, n) => wait(`tenant ${n}`));
  await jest.advanceTimersByTimeAsync(3_000);
  await Promise.all(waiting);
  expect(asked).toBeLessThanOrEqual(16);
});

it('fails every waiting call if the shared rate cannot be read, and the next call asks anew', async () => {
  let isDown = true;
  turns = turnsFrom(() => (isDown ? Promise.reject(new Error('no database')) : Promise.resolve(1)));
  expect(await Promise.all([wait('a'), wait('b')])).toEqual(['Error: no database', 'Error: no database']);
  isDown = false;
  expect(await wait('a')).toBe('served');
});
