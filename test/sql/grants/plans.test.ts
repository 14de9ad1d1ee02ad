/** What is asked about grants while somebody vends or acts is found by index, in a ledger of some size. */
import { limits } from '../../../src/limits.ts';
import { withAnyStatistics } from '../../support/statistics.ts';
import { rowsReadBy } from '../../support/rows-read.ts';
import { SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

/** Grants of two weeks: one user, one space and one key have half of them. The last 40 can be used. */
const rows = 20_000;
const usable = 40;
/** Grants of Olga's in the attic, all of them over for more than a month. */
const old = 5_000;

beforeAll(async () => {
  sql = await SqlSession.start();
  await sql.query('alter table grants set (autovacuum_enabled = off)');
  await sql.insert('tenants', { id: 'ten' });
  await sql.insert('spaces', { tenant_id: 'ten', id: 'hall', capacity: 1_000 });
  await sql.insert('signing_keys', { tenant_id: 'ten', id: 'old', state: 'retiring' });
  await sql.query(
    `insert into grants (tenant_id, id, space_id, user_id, ivs_user_id, kind, role, capabilities, state, mint, signing_key_id,
                         participant_id, issued_at, expires_at, session_expires_at)
     select 'ten', 'grt_' || lpad(n::text, 8, '0'), case n % 2 when 0 then 'hall' else 'yard' end,
            case n % 2 when 0 then 'ann' else 'user-' || n end, 'ivs', 'stage', 'viewer', '{SUBSCRIBE}', 'released', 'key-pair',
            case when n <= $1 / 2 then 'old' else 'new' end, 'p' || n, at, ends, ends
       from generate_series(1, $1::int) n, lateral (select now() - ($1 - n) * interval '1 minute' as at) a,
            lateral (select case when n > $1 - $2::int then now() + interval '1 hour' else at + interval '1 minute' end as ends) e`,
    [rows, usable],
  );
  await sql.insert('spaces', { tenant_id: 'ten', id: 'attic' });
  await sql.insert('roles', { tenant_id: 'ten', name: 'viewer', stage_ttl_seconds: 300 });
  await sql.insert('members', { tenant_id: 'ten', space_id: 'attic', user_id: 'olga', role: 'viewer' });
  await sql.insert('bans', { tenant_id: 'ten', id: 'ban', user_id: 'olga' });
  await sql.query(
    `insert into grants (tenant_id, id, space_id, user_id, ivs_user_id, kind, role, capabilities, state, issued_at, expires_at, session_expires_at)
     select 'ten', 'old_' || n, 'attic', 'olga', 'olga', case n % 2 when 0 then 'stage' else 'chat' end, 'viewer', '{PUBLISH,SEND_MESSAGE}',
            case n % 3 when 0 then 'watched' else 'released' end, at, at + interval '1 minute', at + interval '1 minute'
       from generate_series(1, $1::int) n, lateral (select now() - interval '40 days' - n * interval '1 minute' as at) a`,
    [old],
  );
  await sql.insert('grants', { tenant_id: 'ten', id: 'grt_z', space_id: 'hall', user_id: 'zoe', kind: 'chat' });
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

const readBy = (work: () => Promise<unknown>) => rowsReadBy(sql, 'grants', work);

const olga = { tenant: 'ten', user: 'olga', space: 'attic', limits };
const ann = { tenant: 'ten', user: 'ann' };
const page = {
  tenant: 'ten',
  by: 'all',
  value: null,
  afterTime: new Date(0),
  beforeTime: new Date('9999-12-31'),
  before: '',
  user: null,
  space: null,
  ivsUser: null,
  state: null,
  live: null,
  now: new Date(),
  removedKeys: [],
  most: 20,
  looked: 50,
};

withAnyStatistics(
  () => sql,
  () => {
    test.each<[string, string, object]>([
      ['the rate of a user', 'vends_in_last_minute', { ...ann, stage: true, chat: true, most: 60, isDry: false }],
      ['the rates of users', 'vends_of_users', { tenant: 'ten', users: ['ann', 'ben'], most: 60 }],
      ['the people in a space', 'users_in_space', { tenant: 'ten', space: 'hall', except: 'ben' }],
      ['a participant', 'capabilities_of_participant', { tenant: 'ten', participant: 'p7' }],
      ['a participant who wants to stay', 'participant_may_stay', { ...ann, space: 'hall', participant: 'p8' }],
      ['a key whose tokens have expired', 'signing_key_is_needed', { tenant: 'ten', key: 'old', after: new Date() }],
      ['the tokens of a key that can be used', 'count_live_tokens_of_key', { tenant: 'ten', key: 'new', most: 100 }],
      ['the tokens of a key that cannot', 'count_live_tokens_of_key', { tenant: 'ten', key: 'old', most: 100 }],
      ['a key whose tokens can be used', 'signing_key_is_needed', { tenant: 'ten', key: 'new', after: new Date() }],
      [
        'the end of a key whose tokens have expired',
        'revoke_grants_of_key',
        { tenant: 'ten', key: 'old', from: '-infinity', limit: 100 },
      ],
      ['the end of a key', 'revoke_grants_of_key', { tenant: 'ten', key: 'new', from: '-infinity', limit: 10 }],
      ['a page of a user', 'page_of_grants', { ...page, by: 'user', value: 'ann' }],
      ['a page of a space', 'page_of_grants', { ...page, by: 'space', value: 'hall' }],
      ['a page of what has expired', 'page_of_grants', { ...page, by: 'expiry', beforeTime: new Date() }],
      ['a page of all', 'page_of_grants', { ...page, before: 'zzz' }],
      ['the roles of somebody who was here long ago', 'granted_roles', olga],
      ['a change of their role', 'grants_beside_role', { ...olga, role: 'viewer' }],
      ['an exchange of their token', 'admit_exchange', { ...olga, pseudonym: 'p-olga', grant: 'grt_new' }],
      ['the end of their chat', 'unusable_chat_grants', { ...olga, ivsUser: 'olga' }],
      ['the people in a space that was full long ago', 'grants_in_space', { tenant: 'ten', space: 'attic', limits }],
      ['whom a freezing of it silences', 'grants_to_silence', { ...olga, user: null, moderatorRoles: [] }],
      ['the grants of the banned', 'bans_without_hold', { afterTenant: '', afterBan: '', limit: 10, limits }],
      ['what is on its way to a user', 'seconds_until_tokens_have_left', { ...ann, space: null, limits }],
    ])('%s: %s reads few grants', async (_what, name, args) => {
      expect(await readBy(() => sql.call(name, args as typeof ann))).toBeLessThanOrEqual(3 * usable);
    });

    test('a count of places is filled from the grants that can be used', async () => {
      const [{ id } = { id: 0 }] = await sql.query<{ id: number }>(
        `insert into place_counts (tenant_id, space_id, space_updated_at) values ('ten', 'hall', now()) returning id`,
      );
      await sql.query(`insert into place_sources values ('ten', 'hall', $1)`, [id]);
      const fill = `fill_count((select c from place_counts c), '${JSON.stringify(limits)}')`;
      const filled = async () => {
        await sql.query(`select ${fill}`);
        expect(await sql.query('select user_id from places order by 1')).toEqual([
          { user_id: 'ann' },
          { user_id: 'zoe' },
        ]);
      };
      expect(await readBy(filled)).toBeLessThanOrEqual(3 * usable);
    });
  },
);
