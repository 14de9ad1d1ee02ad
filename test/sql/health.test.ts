/** The turns of the watchdog, and the pass over all bans that the replicas share. */
import { limits } from '../../src/limits.ts';
import { inSeconds, SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

const take = (on = sql) => on.value<boolean>('take_watchdog_turn', { every: '15 seconds', longest: '200 seconds' });
const check = async (most: number, on = sql) => (await on.call('check_bans', { most, limits }))[0];
const end = (wait = '1 second', findings = {}, failed: string[] = []) =>
  sql.call('end_watchdog_turn', { findings, failed, wait });
const secondsLeft = async () =>
  Number(
    (await sql.query('select extract(epoch from next_at - clock_timestamp()) as left from watchdog'))[0]?.['left'],
  );

describe('take_watchdog_turn', () => {
  test('gives the first turn to whoever asks first, and the next one after its time', async () => {
    expect([await take(), await take()]).toEqual([true, false]);
    expect(await secondsLeft()).toBeGreaterThan(10);
    expect(await secondsLeft()).toBeLessThan(15.1);
  });

  test.each([
    ['is due', -1, true],
    ['is not due yet', 1, false],
    ['is due after the longest wait', 190, false],
    ['was set before the clock was set back', 210, true],
  ])('a turn that %s', async (_, seconds, isTaken) => {
    await sql.insert('watchdog', { next_at: inSeconds(seconds) });
    expect(await take()).toBe(isTaken);
  });

  test('gives a turn to one of two who ask at the same time', async () => {
    await sql.rollback();
    const other = await sql.another();
    await sql.query(`insert into watchdog (next_at) values ('epoch')`);
    try {
      await sql.begin();
      expect(await take()).toBe(true);
      const asked = take(other);
      await sql.commit();
      expect(await asked).toBe(false);
    } finally {
      await other.stop();
      await sql.query('delete from watchdog');
      await sql.begin();
    }
  });
});

describe('end_watchdog_turn', () => {
  test('lets the next turn begin after a wait, but not before it was due', async () => {
    await take();
    await end('1 second');
    expect(await secondsLeft()).toBeGreaterThan(10);
    await end('100 seconds');
    expect(await secondsLeft()).toBeGreaterThan(90);
  });

  test('counts as a turn where nobody has taken one', async () => {
    await end('200 seconds', { stuckDeliveries: 1 });
    expect(await secondsLeft()).toBeGreaterThan(190);
    expect(await sql.call('watchdog_findings')).toMatchObject([{ findings: { stuckDeliveries: 1 } }]);
  });
});

describe('watchdog_findings', () => {
  test('says nothing before the first turn', async () => {
    expect(await sql.call('watchdog_findings')).toEqual([]);
  });

  test('says what the last turn has found, and what an earlier one has if a check failed', async () => {
    await take();
    await end('1 second', { stuckDeliveries: 1, oldestLook: 2 });
    await end('1 second', { stuckDeliveries: 3 }, ['looks']);
    const [said] = await sql.call('watchdog_findings');
    expect(said).toMatchObject({ findings: { stuckDeliveries: 3, oldestLook: 2 }, failed: ['looks'] });
  });

  test('is as old as the last turn in which no check failed', async () => {
    await sql.insert('watchdog', { found_at: inSeconds(-100) });
    const age = async () => Number((await sql.call('watchdog_findings'))[0]?.['age_seconds']);
    await end('1 second', {}, ['looks']);
    expect(await age()).toBeGreaterThan(99);
    await end('1 second');
    expect(await age()).toBeLessThan(99);
  });

  test('says how old it is, and never that it is younger than now', async () => {
    await sql.insert('watchdog', { found_at: inSeconds(-100), passed_at: inSeconds(100), pass_seconds: 7 });
    const [said] = await sql.call('watchdog_findings');
    expect(said?.['age_seconds']).toBeGreaterThan(99); // a column keeps milliseconds
    expect(said).toMatchObject({ pass_age_seconds: 0, pass_seconds: 7 });
  });
});

describe('check_bans', () => {
  const putBans = async (ids: string[], on = sql) => {
    for (const id of ids) await on.insert('bans', { tenant_id: 'ten', id, user_id: `user-${id}` });
  };
  const putGrant = (ban: string) => sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', user_id: `user-${ban}` });
  beforeEach(async () => {
    await sql.insert('tenants', { id: 'ten' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc' });
  });

  test('goes on where the step before has ended, and begins a new pass at the end', async () => {
    await putBans(['a', 'b', 'c']);
    await putGrant('b');
    const steps = [await check(2), await check(2), await check(2)];
    expect(steps).toMatchObject([
      { bans: '2', grants: '1', is_whole: false, found: '1' },
      { bans: '1', grants: '0', is_whole: true, found: '1' },
      { bans: '2', grants: '1', is_whole: false, found: '1' },
    ]);
  });

  test('shows what the last pass has found until the next one ends', async () => {
    await putBans(['a', 'b']);
    await putGrant('b');
    await check(10);
    await sql.query('delete from grants');
    expect(await check(1)).toMatchObject({ is_whole: false, found: '1' });
    expect(await check(10)).toMatchObject({ is_whole: true, found: '0' });
  });

  test('finds a grant that escapes after its ban was checked, in the next pass', async () => {
    await putBans(['a', 'b']);
    await check(1);
    await putGrant('a');
    expect(await check(10)).toMatchObject({ is_whole: true, found: '0' });
    expect(await check(10)).toMatchObject({ is_whole: true, found: '1' });
  });

  test('says how long the pass took, from its first step on', async () => {
    await putBans(['a', 'b']);
    await sql.insert('watchdog', { pass_began_at: inSeconds(-1_000), passed_at: inSeconds(-1_000), pass_seconds: 7 });
    expect(await check(1)).toMatchObject({ pass_seconds: 7 });
    await sql.query(`update watchdog set pass_began_at = clock_timestamp() - interval '100 seconds'`);
    const last = await check(10);
    expect(last?.['pass_seconds']).toBeGreaterThan(99);
    expect(last?.['pass_seconds']).toBeLessThan(900);
    const [said] = await sql.call('watchdog_findings');
    expect(said?.['pass_age_seconds']).toBeLessThan(100);
  });

  /** Two replicas, with rows that both see. */
  async function shared(work: (other: SqlSession) => Promise<void>): Promise<void> {
    await putBans(Array.from({ length: 60 }, (_, n) => `ban_${String(n).padStart(2, '0')}`));
    await sql.commit();
    const other = await sql.another();
    try {
      await work(other);
    } finally {
      await other.stop().catch(() => undefined); // the test may have cut it
      for (const table of ['bans', 'spaces', 'tenants', 'watchdog']) await sql.query(`delete from ${table}`);
      await sql.begin();
    }
  }

  test('lets two replicas look at each ban once in a pass', async () => {
    await shared(async (other) => {
      const tenSteps = async (on: SqlSession) => {
        const steps: unknown[] = [];
        for (let n = 0; n < 10; n++) {
          const step = await check(3, on);
          steps.push([step?.['bans'], step?.['is_whole']]);
        }
        return steps;
      };
      const steps = (await Promise.all([sql, other].map(tenSteps))).flat();
      expect(steps).toEqual(Array.from({ length: 20 }, () => ['3', false]));
      expect(await check(3)).toMatchObject({ bans: '0', is_whole: true });
    });
  });

  test('goes on without a replica that is killed in the middle of a step', async () => {
    await shared(async (other) => {
      await check(3);
      await other.begin();
      await check(3, other);
      await other.cut();
      expect(await check(100)).toMatchObject({ bans: '57', is_whole: true });
    });
  });
});
