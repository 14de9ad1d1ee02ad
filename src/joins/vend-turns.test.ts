import { Problem } from '../errors.ts';
import type { TenantLimits } from '../limiting/tenant-limits.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { VendTurns } from './vend-turns.ts';

let metrics: Metrics;
let turns: VendTurns;
/** The tenants whose vends have begun, in order. */
let begun: string[];

beforeEach(() => {
  jest.useFakeTimers();
  jest.spyOn(Math, 'random').mockReturnValue(0.5);
  metrics = new Metrics();
  turns = new VendTurns(metrics, { of: () => ({ weight: 1 }) } as unknown as TenantLimits);
  begun = [];
});

afterEach(async () => {
  await jest.advanceTimersByTimeAsync(60_000);
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
  jest.restoreAllMocks();
});

/** The end of a vend that has begun, or the seconds after which its client comes back. */
type Begun = { end: () => void } | { comesBackAfter: number };

async function begin(tenant: string): Promise<Begun> {
  try {
    const end = await turns.take(tenant);
    begun.push(tenant);
    return { end };
  } catch (error) {
    expect(error).toMatchObject({ code: 'unavailable', status: 503 });
    return { comesBackAfter: (error as Problem).retryAfterSeconds ?? NaN };
  }
}

/** Milliseconds that a replica needs to read a request, and to tell a client to come back. */
const readingMs = 0.1;
const refusalMs = 0.25;

/**
 * A replica that completes `perSecond` vends a second, as long as some have begun. To read requests and to refuse them takes
 * from its time too. It works until `stop` is called.
 */
function replicaThatDoes(perSecond: number): {
  done: Record<string, number>;
  run: (tenant: string) => Promise<Begun>;
  stop: () => void;
} {
  const done: Record<string, number> = {};
  const running: { tenant: string; end: () => void }[] = [];
  let leftMs = 0;
  const timer = setInterval(() => {
    leftMs = Math.min(leftMs + 10, 20);
    for (; leftMs >= 1_000 / perSecond && running.length > 0; leftMs -= 1_000 / perSecond) {
      const first = running.shift();
      if (!first) break;
      done[first.tenant] = (done[first.tenant] ?? 0) + 1;
      first.end();
    }
  }, 10);
  const run = async (tenant: string) => {
    leftMs -= readingMs;
    const outcome = await begin(tenant);
    if ('end' in outcome) running.push({ tenant, end: outcome.end });
    else leftMs -= refusalMs;
    return outcome;
  };
  return { done, run, stop: () => clearInterval(timer) };
}

/** A client that asks until it is served. */
async function persist(ask: () => Promise<Begun>): Promise<void> {
  for (;;) {
    const outcome = await ask();
    if ('end' in outcome) return;
    await new Promise((resolve) => setTimeout(resolve, outcome.comesBackAfter * 1_000));
  }
}

it('begins every vend at once while there are few', async () => {
  for (let round = 0; round < 100; round++) {
    const vends = await Promise.all(Array.from({ length: 16 }, () => begin('a')));
    for (const vend of vends) if ('end' in vend) vend.end();
  }
  expect(begun).toHaveLength(1_600);
  expect((await metrics.vendTurns.get()).values).toEqual([]);
});

it('begins no more than it completes in a moment, lets others wait, and tells the rest when to come back', async () => {
  const asked = Array.from({ length: 5_000 }, () => begin('a'));
  await jest.advanceTimersByTimeAsync(0);
  const running = begun.length;
  expect(running).toBeGreaterThanOrEqual(16);
  expect(running).toBeLessThanOrEqual(128);
  await jest.advanceTimersByTimeAsync(8_000);
  const all = await Promise.all(asked);
  const waits = all.flatMap((one) => ('comesBackAfter' in one ? [one.comesBackAfter] : []));
  expect(waits).toHaveLength(5_000 - running);
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(1);
  expect(Math.max(...waits)).toBeLessThanOrEqual(30);
  const { values } = await metrics.vendTurns.get();
  const counts = values.filter(({ metricName }) => metricName === 'stagedoor_vend_turn_wait_seconds_count');
  expect(counts.map(({ labels, value }) => [labels.outcome, value])).toEqual([['refused', 5_000 - running]]);
  for (const vend of all) if ('end' in vend) vend.end();
});

it.each([100, 600, 1_500])(
  'serves 5,000 clients who come back as told in 1.25 times the time that their vends take, at %i/s',
  async (rate) => {
    const replica = replicaThatDoes(rate);
    // What it did before the storm does not matter: a few at a time, none of which waits.
    for (let n = 0; n < 20; n++) {
      await replica.run('a');
      await jest.advanceTimersByTimeAsync(100);
    }
    let served = 0;
    const from = performance.now();
    let lastAt = from;
    const clients = Array.from({ length: 5_000 }, () =>
      persist(() => replica.run('a')).then(() => {
        served++;
        lastAt = performance.now();
      }),
    );
    await jest.advanceTimersByTimeAsync((5_000 / rate) * 1_000 * 1.5 + 5_000);
    replica.stop();
    expect(served).toBe(5_000);
    expect((5_000 / rate) * 1_000).toBeGreaterThan(0.8 * (lastAt - from));
    await Promise.all(clients);
  },
);

it('lets a tenant that comes late have its turn soon, however many of another tenant wait', async () => {
  const replica = replicaThatDoes(200);
  const flood = Array.from({ length: 2_000 }, () => replica.run('flood'));
  await jest.advanceTimersByTimeAsync(1_000);
  const before = begun.length;
  const late = Array.from({ length: 5 }, () => replica.run('late'));
  await jest.advanceTimersByTimeAsync(500);
  expect(begun.slice(before).filter((tenant) => tenant === 'late')).toHaveLength(5);
  await jest.advanceTimersByTimeAsync(10_000);
  replica.stop();
  await Promise.all([...flood, ...late]);
});

it('tells those to come back whose turn would not come in time: early, the newest first, and nobody of a tenant with few', async () => {
  const replica = replicaThatDoes(100);
  const told: string[] = [];
  const ask = async (tenant: string, nth: number) => {
    const outcome = await replica.run(tenant);
    if ('comesBackAfter' in outcome) told.push(`${tenant} ${nth}`);
  };
  const many = Array.from({ length: 2_500 }, (_, nth) => ask('many', nth));
  const few = Array.from({ length: 50 }, (_, nth) => ask('few', nth));
  await jest.advanceTimersByTimeAsync(2_500);
  const early = [...told];
  expect(early.length).toBeGreaterThan(1_500);
  expect(early.filter((who) => who.startsWith('few'))).toEqual([]);
  const numbers = early.map((who) => Number(who.split(' ')[1]));
  expect(Math.min(...numbers)).toBeGreaterThan(300);
  await jest.advanceTimersByTimeAsync(10_000);
  expect(told.filter((who) => who.startsWith('few'))).toEqual([]);
  replica.stop();
  await Promise.all([...many, ...few]);
});

it('runs few vends while an act is under way, and as many as before when it is done', async () => {
  const replica = replicaThatDoes(100);
  const clients = Array.from({ length: 60 }, () => replica.run('a'));
  await jest.advanceTimersByTimeAsync(0);
  const ends = [turns.letPass(), turns.letPass()];
  expect(begun).toHaveLength(60);
  clients.push(...Array.from({ length: 60 }, () => replica.run('a')));
  await jest.advanceTimersByTimeAsync(400);
  expect(begun).toHaveLength(60); // 40 are done, 20 run
  await jest.advanceTimersByTimeAsync(200);
  expect(begun.length).toBeGreaterThan(60); // the vends go on, 16 at a time
  expect(begun.length).toBeLessThanOrEqual(60 + 16);
  ends[0]?.();
  ends[0]?.();
  await jest.advanceTimersByTimeAsync(0);
  expect(begun.length).toBeLessThanOrEqual(60 + 16);
  ends[1]?.();
  await jest.advanceTimersByTimeAsync(0);
  expect(begun.length).toBeGreaterThan(60 + 16);
  await jest.advanceTimersByTimeAsync(5_000);
  replica.stop();
  await Promise.all(clients);
});

it('gives no turn to a client who has left the line', async () => {
  const first = await Promise.all(Array.from({ length: 64 }, () => begin('a')));
  const leaves: (() => void)[] = [];
  const gone = turns.take('a', (leave) => leaves.push(leave)).catch((error: unknown) => error);
  const next = begin('b');
  for (const leave of leaves) leave();
  expect(await gone).toMatchObject({ code: 'unavailable' });
  for (const leave of leaves) leave();
  const [vend] = first;
  if (vend && 'end' in vend) vend.end();
  const outcome = await next;
  expect(outcome).toHaveProperty('end');
  for (const one of [...first, outcome]) if ('end' in one) one.end();
});

it('works on after vends that took long: it learns how many it completes', async () => {
  const first = Array.from({ length: 500 }, () => begin('a'));
  await jest.advanceTimersByTimeAsync(9_000); // nothing ends
  for (const vend of await Promise.all(first)) if ('end' in vend) vend.end();
  const replica = replicaThatDoes(400);
  const clients = Array.from({ length: 1_000 }, () => persist(() => replica.run('a')));
  await jest.advanceTimersByTimeAsync(8_000);
  await Promise.all(clients);
  replica.stop();
  expect(replica.done['a']).toBeGreaterThan(800);
});

it('lets a few hundred wait for a while, however slow it was before', async () => {
  const replica = replicaThatDoes(5);
  const slow = Array.from({ length: 100 }, () => replica.run('a'));
  await jest.advanceTimersByTimeAsync(10_000);
  await Promise.all(slow);
  const from = performance.now();
  const answeredAfter: number[] = [];
  const more = Array.from({ length: 200 }, async () => {
    await replica.run('a');
    answeredAfter.push(performance.now() - from);
  });
  await jest.advanceTimersByTimeAsync(0);
  expect(answeredAfter.length).toBeLessThanOrEqual(16);
  await jest.advanceTimersByTimeAsync(10_000);
  await Promise.all(more);
  replica.stop();
});

it('ends a turn once, however often it is told', async () => {
  const vends = await Promise.all(Array.from({ length: 16 }, () => begin('a')));
  for (const vend of vends) {
    if ('end' in vend) vend.end();
    if ('end' in vend) vend.end();
  }
  const asked = Array.from({ length: 400 }, () => begin('a'));
  await jest.advanceTimersByTimeAsync(9_000);
  expect(begun.length).toBeLessThanOrEqual(16 + 128);
  for (const vend of await Promise.all(asked)) if ('end' in vend) vend.end();
});
