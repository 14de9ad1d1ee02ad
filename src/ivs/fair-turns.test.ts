import { Metrics } from '../telemetry/metrics.ts';
import { FairTurns } from './fair-turns.ts';
import { IvsFailure } from './ivs-errors.ts';

let metrics: Metrics;
let turns: FairTurns;
/** The tenants whose calls reached IVS, in order. */
let sent: string[];

beforeEach(() => {
  jest.useFakeTimers();
  metrics = new Metrics();
  turns = new FairTurns('CreateChatToken', metrics);
  sent = [];
});

afterEach(() => {
  jest.advanceTimersByTime(1_000);
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

/** The outcome of a call: the answer of IVS, or that the call was not sent. */
type Outcome = 'taken' | 'throttled' | 'not sent';

async function call(tenant: string, takes: () => boolean | Promise<boolean> = () => true): Promise<Outcome> {
  try {
    return await turns.inTurn<Outcome>(tenant, async () => {
      sent.push(tenant);
      if (await takes()) return 'taken';
      throw new IvsFailure('throttled', 'CreateChatToken', 'ThrottlingException', 'Rate exceeded');
    });
  } catch (error) {
    expect(error).toMatchObject({ kind: 'throttled', operation: 'CreateChatToken' });
    return (error as IvsFailure).awsName === 'NoTurn' ? 'not sent' : 'throttled';
  }
}

/** Makes the turns limited: IVS accepts some calls at once, and throttles one more. */
async function throttleAfter(taken: number): Promise<void> {
  await Promise.all(Array.from({ length: taken }, () => call('somebody')));
  expect(await call('somebody', () => false)).toBe('throttled');
  sent = [];
}

/** A rate limit like that of IVS: a token bucket, whose tokens may be used at once. */
function ivsWith(rate: number): () => Promise<boolean> {
  let left = rate;
  let at = performance.now();
  return async () => {
    left = Math.min(rate, left + ((performance.now() - at) / 1000) * rate) - 1;
    at = performance.now();
    const takes = left >= 0;
    if (!takes) left += 1;
    await new Promise((resolve) => setTimeout(resolve, takes ? 30 : 5));
    return takes;
  };
}

it('makes every call at once while IVS does not throttle', async () => {
  const calls = Promise.all(Array.from({ length: 1_000 }, () => call('a')));
  expect(sent).toHaveLength(1_000);
  expect(new Set(await calls)).toEqual(new Set(['taken']));
  expect((await metrics.ivsTurns.get()).values).toEqual([]);
});

it('lets tenants take turns, and serves the calls of each tenant in the order they came', async () => {
  await throttleAfter(10);
  const order: string[] = [];
  const calls = ['a1', 'a2', 'a3', 'b1', 'b2', 'c1'].map((name) =>
    call(name.charAt(0), () => {
      order.push(name);
      return true;
    }),
  );
  expect(order).toEqual([]);
  await jest.advanceTimersByTimeAsync(1_000);
  expect(await Promise.all(calls)).toEqual(Array.from(calls, () => 'taken'));
  expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
});

it('lets a tenant that comes late wait for one round only', async () => {
  await throttleAfter(20);
  const flood = Array.from({ length: 15 }, () => call('flood'));
  await jest.advanceTimersByTimeAsync(200);
  const before = sent.length;
  const late = call('late');
  await jest.advanceTimersByTimeAsync(900);
  expect(await late).toBe('taken');
  expect(sent.indexOf('late') - before).toBeLessThanOrEqual(1);
  await Promise.all(flood);
});

it('refuses a call at once if its turn would come too late', async () => {
  await throttleAfter(20);
  const flood = Array.from({ length: 100 }, () => call('flood'));
  const refused = await Promise.all(flood.slice(18)); // no time passes here
  expect(new Set(refused)).toEqual(new Set(['not sent']));
  await jest.advanceTimersByTimeAsync(1_000);
  expect(new Set(await Promise.all(flood.slice(0, 18)))).toEqual(new Set(['taken']));
});

it('tells a call that is refused when a turn will be free: later, the more of its tenant wait', async () => {
  await throttleAfter(20); // 18 turns a second
  for (let n = 0; n < 18; n++) void call('flood');
  const told = async (tenant: string) => {
    const failure = await turns.inTurn(tenant, () => Promise.resolve()).catch((error: unknown) => error);
    return (failure as IvsFailure).toProblem();
  };
  expect(await told('flood')).toMatchObject({ code: 'ivs_unavailable', retryAfterSeconds: 2 });
  await jest.advanceTimersByTimeAsync(1_000);
});

it('refuses a call that has waited for a second, and measures the waits', async () => {
  await throttleAfter(0); // two turns a second
  const calls = ['a', 'b', 'c', 'd'].map((tenant) => call(tenant));
  await jest.advanceTimersByTimeAsync(1_000);
  expect(await Promise.all(calls)).toEqual(['taken', 'taken', 'not sent', 'not sent']);
  expect(sent).toEqual(['a', 'b']);
  const { values } = await metrics.ivsTurns.get();
  const counts = values.filter(({ metricName }) => metricName === 'stagedoor_ivs_turn_wait_seconds_count');
  expect(counts.map(({ labels, value }) => [labels.outcome, value])).toEqual([
    ['given', 2],
    ['refused', 2],
  ]);
});

it('throws the failure of a call, and counts a call that IVS refused for another reason as accepted', async () => {
  const notFound = new IvsFailure('not_found', 'CreateChatToken', 'ResourceNotFoundException', 'gone');
  const calls = Array.from({ length: 20 }, () => turns.inTurn('a', () => Promise.reject(notFound)));
  await Promise.all(calls.map((call) => expect(call).rejects.toBe(notFound)));
  await throttleAfter(0);
  const waiting = Array.from({ length: 18 }, () => call('a'));
  await jest.advanceTimersByTimeAsync(1_000);
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['taken']));
});

describe.each([20, 50, 200])('with an IVS that accepts %i calls a second', (rate) => {
  /** Calls for twelve seconds at the given rates, and counts the outcomes from the third second on. */
  async function ask(tenant: string, perSecond: number, takes: () => Promise<boolean>) {
    const counts = { taken: 0, throttled: 0, 'not sent': 0 };
    const calls: Promise<void>[] = [];
    const count = async (counted: boolean) => {
      const outcome = await call(tenant, takes);
      if (counted) counts[outcome]++;
    };
    for (let ms = 0; ms < 12_000; ms += 20) {
      while (calls.length < (perSecond * ms) / 1000) calls.push(count(ms >= 2_000));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await Promise.all(calls);
    return counts;
  }

  it('uses nearly the whole rate, and gives a tenant that asks for less than its share all it asks for', async () => {
    const takes = ivsWith(rate);
    const both = Promise.all([ask('flood', rate * 4, takes), ask('quiet', rate / 4, takes)]);
    await jest.advanceTimersByTimeAsync(14_000);
    const [flood, quiet] = await both;
    expect(quiet.taken).toBeGreaterThan(0.9 * 10 * (rate / 4));
    expect(flood.taken + quiet.taken).toBeGreaterThan(0.8 * 10 * rate);
    expect(flood.throttled + quiet.throttled).toBeLessThan(0.05 * 10 * rate);
  });

  it('slows tenants that ask for no more than IVS accepts only for a short time', async () => {
    const takes = ivsWith(rate);
    const burst = Promise.all(Array.from({ length: rate * 2 }, () => call('a', takes)));
    const steady = ask('a', rate / 2, takes);
    await jest.advanceTimersByTimeAsync(14_000);
    expect(new Set(await burst)).toContain('throttled');
    expect(await steady).toEqual({ taken: 5 * rate, throttled: 0, 'not sent': 0 });
  });
});
