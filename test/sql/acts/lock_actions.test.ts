/** `lock_actions`: what it keeps from happening, seen from a second connection. */
import { insertTwoTenants, list, startsToWait, waitsFor } from '../../support/moderation-rows.ts';
import { SqlSession } from '../../support/sql.ts';

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
beforeEach(async () => {
  await sql.begin();
  await other.begin();
});
afterEach(async () => {
  // One of them may still wait for the other, if the test has failed.
  await Promise.all([other.rollback(), sql.rollback()]);
});

const lock = (session: SqlSession, tenant: string, actions: string[] | null) =>
  session.call('lock_actions', { tenant, actions });
/** Tries to begin a delivery of an action, as lease_deliveries does. */
const mayBegin = async (session: SqlSession, tenant: string, action: string) =>
  await session.value<boolean>('try_lock', { class: 'action', parts: [tenant, action], exclusive: false });

describe('lock_actions', () => {
  test.each([
    ['an action of the list', 'ten', 'act', false],
    ['the other action of the list', 'ten', 'act_third', false],
    ['an action beside them', 'ten', 'act_beside', true],
    ['an action of another tenant', 'ten_other', 'act', true],
  ])('says whether a delivery may begin: %s', async (_, tenant, action, may) => {
    await lock(sql, 'ten', ['act_third', 'act']);
    expect(await mayBegin(other, tenant, action)).toBe(may);
  });

  test.each([
    ['an empty list', []],
    ['no list', null],
  ])('locks nothing for %s', async (_, actions) => {
    await lock(sql, 'ten', actions);
    expect(await mayBegin(other, 'ten', 'act')).toBe(true);
  });

  test('lets deliveries begin again when its transaction has ended', async () => {
    await lock(sql, 'ten', ['act']);
    await sql.rollback();
    await sql.begin();
    expect(await mayBegin(other, 'ten', 'act')).toBe(true);
  });

  test('waits for a delivery that is beginning', async () => {
    expect(await mayBegin(sql, 'ten', 'act')).toBe(true);
    await waitsFor(sql, other, () => lock(other, 'ten', ['act']));
  });

  test('waits for somebody else who undoes one of the actions', async () => {
    await lock(sql, 'ten', ['act', 'act_beside']);
    await waitsFor(sql, other, () => lock(other, 'ten', ['act_beside', 'act_third']));
  });

  test('takes the locks in one order, whatever the order of the list is', async () => {
    const all = ['act', 'act_beside', 'act_third'];
    const [last, ...first] = await list(sql, `select id from unnest($1::text[]) as id order by id desc`, [all]);
    expect(await mayBegin(other, 'ten', String(last))).toBe(true);
    const { answer } = await startsToWait(other, sql, () => lock(sql, 'ten', [last, ...first].map(String)));
    for (const id of first) expect(await mayBegin(other, 'ten', String(id))).toBe(false);
    await other.commit();
    await answer;
  });
});
