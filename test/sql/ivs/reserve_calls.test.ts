/** `reserve_calls`, as a table: the shared rate and what is asked of it, and what is granted and left. */
import { expectRefusedToService, insertTwoTenants, refuseToWait, waitsFor } from '../../support/moderation-rows.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;
let other: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
  other = await sql.another();
  await insertTwoTenants(sql);
});
afterAll(async () => {
  await other.stop();
  await sql.stop();
});
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

/** With a rate of none, nothing comes in while the test runs. */
const request = { account: 'own', operation: 'SendEvent', wanted: 4, least: 1, leave: 0, rate: 0, burst: 10 };

const reserve = (changed: Partial<Record<keyof typeof request, number | string | null>> = {}, session = sql) =>
  session.value<number>('reserve_calls', { ...request, ...changed });

const pace = (allowance: number, secondsAgo = 0, operation = 'SendEvent', account = 'own') =>
  sql.insert('pacing', { account, operation, allowance, at: inSeconds(-secondsAgo) });

async function left(account = 'own', operation = 'SendEvent'): Promise<number | null> {
  const [row] = await sql.query<{ allowance: number }>(
    'select allowance from pacing where account = $1 and operation = $2',
    [account, operation],
  );
  return row?.allowance ?? null;
}

describe('reserve_calls', () => {
  test.each([
    ['all that is wanted', 7, {}, 4, 3],
    ['as many as there are', 3, {}, 3, 0],
    ['whole calls alone', 2.9, {}, 2, 0.9],
    ['none, if there is less than one', 0.9, {}, 0, 0.9],
    ['none, if there are none', 0, {}, 0, 0],
    ['none, if there are fewer than none', -2, {}, 0, -2],
    ['none, if none are wanted', 7, { wanted: 0 }, 0, 7],
    ['none, if fewer are wanted than are needed', 7, { wanted: 1, least: 2 }, 0, 7],
    ['none, if there are fewer than are needed', 3, { least: 4 }, 0, 3],
    ['just as many as are needed', 4, { least: 4 }, 4, 0],
    ['what others leave', 5, { leave: 3 }, 2, 3],
    ['none, if others need all of them', 5, { leave: 5 }, 0, 5],
    ['none, if others need more than there are', 5, { leave: 100 }, 0, 5],
    ['just as many as are needed, beside others', 7, { least: 4, leave: 3 }, 4, 3],
    ['none, if one is missing, beside others', 6, { least: 4, leave: 3 }, 0, 6],
    ['no more than can be saved up', 50, { wanted: 30 }, 10, 0],
  ])('grants %s', async (_, allowance, asked, granted, rest) => {
    await pace(allowance);
    expect(await reserve(asked)).toBe(granted);
    expect(await left()).toBeCloseTo(rest, 9);
  });

  test.each([
    ['as many as can be saved up', 12, 10, 0],
    ['what is wanted, and the rest is saved', 4, 4, 6],
  ])('grants to the first who asks %s', async (_, wanted, granted, rest) => {
    expect(await reserve({ wanted })).toBe(granted);
    expect(await left()).toBe(rest);
  });

  test('takes nothing away for a time that lies ahead, after the clock was set back', async () => {
    await pace(7, -3600);
    expect(await reserve({ rate: 5 })).toBe(4);
  });

  test('begins with a full rate also for somebody who is granted none', async () => {
    expect(await reserve({ wanted: 20, least: 20 })).toBe(0);
    expect(await left()).toBe(10);
  });

  // Calls come in so slowly that it does not matter how long the test takes.
  test.each([
    ['what has come in since', 0, 5500, 100, 5],
    ['what has come in since, on top of what was saved', 2, 5500, 100, 7],
    ['no more than can be saved up, however long it was', 2, 1e9, 6, 6],
    ['none, while less than one has come in', 0, 500, 100, 0],
    ['none, while a debt is not made up for', -3, 3500, 100, 0],
  ])('grants %s', async (_, allowance, secondsAgo, burst, granted) => {
    await pace(allowance, secondsAgo);
    expect(await reserve({ wanted: 50, rate: 0.001, burst })).toBe(granted);
  });

  test('keeps what was refused: the next who asks has it', async () => {
    await pace(0, 2500);
    expect(await reserve({ wanted: 3, least: 3, rate: 0.001 })).toBe(0);
    expect(await reserve({ wanted: 2, least: 2, rate: 0.001 })).toBe(2);
  });

  test('counts each account and each operation by itself', async () => {
    await pace(3);
    await pace(5, 0, 'SendEvent', 'theirs');
    await pace(6, 0, 'DeleteMessage');
    expect(await reserve()).toBe(3);
    expect(await reserve()).toBe(0);
    expect([await left('theirs'), await left('own', 'DeleteMessage')]).toEqual([5, 6]);
    expect(await reserve({ account: 'theirs' })).toBe(4);
    expect(await reserve({ operation: 'DeleteMessage' })).toBe(4);
  });

  test.each([{ rate: null }, { burst: null }])(
    'raises an error without %j, also while calls are left',
    async (missing) => {
      await pace(5);
      await expect(reserve(missing)).rejects.toThrow('no rate was passed for SendEvent');
    },
  );

  test('is refused to the service', async () => {
    await expectRefusedToService(sql, () => reserve());
  });
});

describe('reserve_calls, asked by two at once,', () => {
  afterEach(async () => {
    await sql.rollback();
    await sql.query('delete from pacing');
    await sql.begin();
  });
  const commitPace = async (allowance: number) => {
    await pace(allowance);
    await sql.commit();
    await sql.begin();
  };

  test('grants together no more than there are: the second waits for the first', async () => {
    await commitPace(5);
    expect(await reserve()).toBe(4);
    expect(await waitsFor(sql, other, () => reserve({}, other))).toBe(1);
    await sql.begin();
    expect(await left()).toBe(0);
  });

  test('grants together no more than can be saved up, if both are the first', async () => {
    expect(await reserve({ wanted: 8 })).toBe(8);
    expect(await waitsFor(sql, other, () => reserve({}, other))).toBe(2);
    await sql.begin();
    expect(await left()).toBe(0);
  });

  test('answers at once if there is nothing to grant, although somebody has locked the rate', async () => {
    await commitPace(2);
    await sql.query('select from pacing for update');
    await other.begin();
    await refuseToWait(other);
    expect(await reserve({ least: 3 }, other)).toBe(0);
    expect(await reserve({ leave: 2 }, other)).toBe(0);
    await other.rollback();
  });
});
