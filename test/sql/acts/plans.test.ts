/** What is asked at each act finds what is recent, with the rights of the service: row-level security changes plans. */
import { withAnyStatistics } from '../../support/statistics.ts';
import { rowsReadBy } from '../../support/rows-read.ts';
import { SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

const old = 5_000;
const recent = 20;

beforeAll(async () => {
  sql = await SqlSession.start();
  await sql.query('alter table actions set (autovacuum_enabled = off)');
  await sql.insert('tenants', { id: 'ten' });
  await sql.query(
    `insert into actions (tenant_id, id, kind, user_id, requested_by, created_at, requested_at)
     select 'ten', 'act_' || lpad(n::text, 8, '0'), 'user.disconnect', 'ann', '{"kind":"apiKey","id":"key"}', at, at
       from generate_series(1, $1::int + $2::int) n,
            lateral (select case when n <= $1 then now() - n * interval '1 hour' else now() end as at) a`,
    [old, recent],
  );
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

withAnyStatistics(
  () => sql,
  () => {
    test('the newest freezing of a space is found among all that was ever done there', async () => {
      await sql.insert('spaces', { tenant_id: 'ten', id: 'hall' });
      await sql.query(
        `update actions set space_id = 'hall', kind = 'space.freeze' where id in ('act_00000007', 'act_00000009')`,
      );
      await sql.query(`update actions set space_id = 'hall' where space_id is null`);
      await sql.becomeService('ten');
      const read = await rowsReadBy(sql, 'actions', async () => {
        expect(await sql.value('newest_freezing', { tenant: 'ten', space: 'hall' })).toBe('act_00000009');
      });
      expect(read).toBeLessThanOrEqual(3 * recent);
    });

    test('the pace of a caller is counted from the acts of the last minute', async () => {
      await sql.becomeService('ten');
      const pace = { tenant: 'ten', kind: 'apiKey', id: 'key', most: 1_000, inTurn: false };
      const read = await rowsReadBy(sql, 'actions', async () => {
        expect(await sql.call('acts_in_last_minute', pace)).toMatchObject([{ used: recent }]);
      });
      expect(read).toBeLessThanOrEqual(3 * recent);
    });
  },
);

test('a step of an erasure looks at as many acts as it is told, whomever they are about', async () => {
  const step = { tenant: 'ten', user: 'ben', name: 'erased:ben', after: null, most: recent };
  const read = await rowsReadBy(sql, 'actions', async () => {
    expect(await sql.call('erase_actions', step)).toMatchObject([{ changed: '0', reached: 'act_00000020' }]);
  });
  expect(read).toBeLessThanOrEqual(3 * recent);
});
