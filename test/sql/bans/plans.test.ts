/** What is asked about bans finds those in force, however many there were. */
import { limits } from '../../../src/limits.ts';
import { withAnyStatistics } from '../../support/statistics.ts';
import { rowsLookedAtBy, rowsReadBy } from '../../support/rows-read.ts';
import { SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

/** Bans that have ended, half of them by themselves. */
const ended = 10_000;
const inForce = 40;

beforeAll(async () => {
  sql = await SqlSession.start();
  await sql.query('alter table bans set (autovacuum_enabled = off)');
  await sql.insert('tenants', { id: 'ten' });
  await sql.query(
    `insert into bans (tenant_id, id, user_id, created_by, created_at, expires_at, lifted_at, expiry_told)
     select 'ten', 'ban_' || lpad(n::text, 8, '0'), 'user-' || n, '{"kind":"apiKey","id":"key"}', now() - interval '2 days',
            case when n <= $1 then now() - interval '1 day' when n % 2 = 0 then now() + interval '1 day' end,
            case when n <= $1 and n % 2 = 0 then now() - interval '25 hours' end, n <= $1
       from generate_series(1, $1::int + $2::int) n`,
    [ended, inForce],
  );
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

withAnyStatistics(
  () => sql,
  () => {
    test.each<[string, string, object]>([
      ['how many are in force', 'bans_in_force', { tenant: 'ten', most: 99_000 }],
      [
        'whether a user is banned',
        'ban_in_force',
        { tenant: 'ten', user: 'user-5', space: 'spc', rank: null, pseudonym: 'p-5' },
      ],
      [
        'which users are banned',
        'users_under_bans',
        { tenant: 'ten', users: ['user-5', 'user-6'], pseudonyms: ['p-5', 'p-6'] },
      ],
      ['whom the watchdog looks after', 'bans_without_hold', { afterTenant: '', afterBan: '', limit: ended, limits }],
      [
        'a page of those in force',
        'bans_looked_at',
        { tenant: 'ten', by: 'notEnded', value: null, before: 'zzz', looked: ended },
      ],
      ['which have ended and are not old', 'drop_old_bans', { tenant: 'ten', before: new Date(0), most: 1_000 }],
    ])('%s: %s reads few bans', async (_what, name, args) => {
      expect(await rowsReadBy(sql, 'bans', () => sql.call(name, args as { tenant: string }))).toBeLessThanOrEqual(
        3 * inForce,
      );
    });
  },
);

test('the quota of a ban reads no bans in force once they are counted, and no acts from before', async () => {
  await sql.query(
    `insert into actions (tenant_id, id, kind, user_id, requested_by, created_at, requested_at)
     select 'ten', 'act_' || lpad(n::text, 8, '0'), 'ban', 'ann', '{"kind":"apiKey","id":"key"}', at, at
       from generate_series(1, 5000) n, lateral (select now() - n * interval '1 hour' as at) a`,
  );
  await sql.becomeService('ten');
  const quota = async () => {
    expect(await sql.value('quota_of_bans', { tenant: 'ten', usual: 100_000, limits })).toBeNull();
  };
  expect(await rowsReadBy(sql, 'bans', quota)).toBeGreaterThanOrEqual(inForce);
  await quota();
  expect(await rowsReadBy(sql, 'bans', quota)).toBe(0);
  expect(await rowsReadBy(sql, 'actions', quota)).toBeLessThanOrEqual(1);
});

test('how many are in force is counted in an index, and no ban is looked at', async () => {
  await sql.rollback();
  await sql.query('vacuum bans');
  await sql.begin();
  const count = async () =>
    expect(await sql.call('bans_in_force', { tenant: 'ten', most: 99_000 })).toEqual([{ result: inForce }]);
  expect(await rowsLookedAtBy(sql, 'bans', count)).toBe(0);
});
