/** `announce_ended_bans` tells of bans that have ended by themselves. */
import { fromNow, inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  await sql.insert('tenants', { id: 'ten' });
  await sql.insert('spaces', { tenant_id: 'ten', id: 'spc' });
});
afterEach(() => sql.rollback());

const announce = async (most = 10) => Number(await sql.value('announce_ended_bans', { most }));
const told = () => sql.query('select tenant_id, type, space_id, user_id, data from events order by written');

describe('announce_ended_bans', () => {
  test('tells once of a ban that has ended', async () => {
    const times = { created_at: '2026-03-01T19:00:00Z', expires_at: '2026-03-01T20:00:00.5Z' };
    await sql.insert('bans', { tenant_id: 'ten', id: 'ban', space_id: 'spc', user_id: 'ann', ...times });
    expect([await announce(), await announce()]).toEqual([1, 0]);
    expect(await told()).toEqual([
      {
        tenant_id: 'ten',
        type: 'ban.expired',
        space_id: 'spc',
        user_id: 'ann',
        data: { banId: 'ban', createdAt: '2026-03-01T19:00:00.000Z', expiresAt: '2026-03-01T20:00:00.500Z' },
      },
    ]);
  });

  test.each([
    ['does not end', {}],
    ['ends later', { expires_at: inSeconds(60) }],
    ['was lifted before its end', { expires_at: fromNow(-1000), lifted_at: fromNow(-2000) }],
    ['was told of', { expires_at: fromNow(-1000), expiry_told: true }],
  ])('tells nothing of a ban that %s', async (_, ban) => {
    await sql.insert('bans', { tenant_id: 'ten', ...ban });
    expect(await announce()).toBe(0);
    expect(await told()).toEqual([]);
  });

  test('tells of no more than the limit, those that ended first first', async () => {
    for (const n of [3, 1, 2])
      await sql.insert('bans', { tenant_id: 'ten', id: `ban_${n}`, expires_at: inSeconds(n - 10) });
    expect([await announce(2), await announce(2)]).toEqual([2, 1]);
    const order = (await told()).map(({ data }) => (data as { banId: string }).banId);
    expect(new Set(order.slice(0, 2))).toEqual(new Set(['ban_1', 'ban_2']));
    expect(order[2]).toBe('ban_3');
  });

  test('two replicas that look at once tell of each ban once', async () => {
    await sql.insert('bans', { tenant_id: 'ten', id: 'ban_both', expires_at: inSeconds(-1) });
    await sql.commit();
    const other = await sql.another();
    try {
      await sql.begin();
      await other.begin();
      expect(await announce()).toBe(1); // not committed yet
      expect(await other.value('announce_ended_bans', { most: 10 })).toBe('0');
      await other.commit();
      await sql.commit();
      await other.begin();
      expect(await other.value('announce_ended_bans', { most: 10 })).toBe('0');
      await other.commit();
      expect(await told()).toHaveLength(1);
    } finally {
      await other.stop();
      await sql.begin();
      await sql.query('delete from events');
      await sql.query('delete from bans');
      await sql.query('delete from spaces');
      await sql.query('delete from tenants');
      await sql.commit();
      await sql.begin();
    }
  });
});
