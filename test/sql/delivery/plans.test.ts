/** What is asked about the calls to one participant finds those, however many there were in the space. Row-level security changes plans. */
import { limits } from '../../../src/limits.ts';
import { inHours, insertHold, insertTwoTenants } from '../../support/moderation-rows.ts';
import { withAnyStatistics } from '../../support/statistics.ts';
import { rowsReadBy } from '../../support/rows-read.ts';
import { SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

/** Calls that were made long ago, of people who are gone; and people who are found. The ids of the former are long, so that their index is as deep as one of millions. */
const made = 20_000;
const people = 100;
const tenants = 300;

const lookedAt = '2030-01-01T00:00:00.000Z';
const connected = Object.fromEntries(
  Array.from({ length: people }, (_, n) => [`part-${n}`, { userId: `user-${n}`, publishing: false }]),
);

beforeAll(async () => {
  sql = await SqlSession.start();
  await insertTwoTenants(sql);
  for (let n = 0; n < people; n++) {
    // oxlint-disable-next-line no-await-in-loop -- one connection
    await insertHold(
      sql,
      { grant_id: `grt_${n}`, participant_id: `part-${n}`, watch_from: '2029-12-31T00:00:00Z', expires_at: inHours(1) },
      {},
    );
  }
  await sql.query(
    `insert into deliveries (tenant_id, action_id, space_id, account, operation, arn, target, next_at, needed_until, state, done_at)
     select 'ten', 'act', 'spc', 'own us-east-1', 'DisconnectParticipant', 'arn', rpad('gone-' || n || '-', 200, 'x'), now(), now(),
            case when n % 2 = 0 then 'done' else 'pending' end, case when n % 2 = 0 then '2029-01-01'::timestamptz end
       from generate_series(1, $1) n`,
    [made],
  );
  // With many tenants Postgres believes that a space of a tenant has one delivery.
  await copies('tenants', { id: 'ten' }, `{"id": "ten_' || n || '", "slug": "ten-' || n || '"}`);
  await copies('spaces', { tenant_id: 'ten', id: 'spc' }, `{"id": "spc_' || n || '", "tenant_id": "ten_' || n || '"}`);
  await copies(
    'actions',
    { tenant_id: 'ten', id: 'act' },
    `{"tenant_id": "ten_' || n || '", "space_id": "spc_' || n || '"}`,
  );
  await copies(
    'deliveries',
    { tenant_id: 'ten', target: 'gone-1-'.padEnd(200, 'x') },
    `{"tenant_id": "ten_' || n || '", "space_id": "spc_' || n || '", "id": ' || 1000000 + n || '}`,
  );
});

/** Makes rows like one that is there, but for some columns. @param changed JSON, in which `n` is the number of the row. */
async function copies(table: string, of: Record<string, string>, changed: string): Promise<void> {
  await sql.query(
    `insert into ${table} overriding system value
     select (jsonb_populate_record(t, ('${changed}')::jsonb)).* from ${table} t, generate_series(1, ${tenants}) n
      where to_jsonb(t) @> $1`,
    [of],
  );
}
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

withAnyStatistics(
  () => sql,
  () => {
    test.each<[string, string, object, unknown]>([
      ['a look at the stage', 'add_found_disconnects', { lookedAt, connected, limits }, people],
      ['an exchange of a token', 'participant_is_disconnected', { participant: 'part-1' }, false],
      ['an event of IVS', 'participant_was_disconnected', { participant: 'gone-2-'.padEnd(200, 'x') }, true],
    ])('%s: %s reads few deliveries', async (_what, name, args, answer) => {
      await sql.becomeService('ten');
      const ask = async () => expect(await sql.value(name, { tenant: 'ten', space: 'spc', ...args })).toBe(answer);
      expect(await rowsReadBy(sql, 'deliveries', ask)).toBeLessThanOrEqual(3 * people);
    });

    test('the deletion of the space: has_deliveries_in_space reads few deliveries', async () => {
      const ask = async () =>
        expect(await sql.value('has_deliveries_in_space', { tenant: 'ten', space: 'spc' })).toBe(true);
      expect(await rowsReadBy(sql, 'deliveries', ask)).toBeLessThanOrEqual(3 * people);
    });
  },
);
