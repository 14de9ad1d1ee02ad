/** A look at a stage finds the calls to each participant that it has found, however many there were in the space. */
import { limits } from '../../../src/limits.ts';
import { inHours, insertHold, insertTwoTenants } from '../../support/moderation-rows.ts';
import { rowsReadBy } from '../../support/rows-read.ts';
import { SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

/** Calls that were made long ago, of people who are gone; and people who are found. */
const made = 20_000;
const people = 100;

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
     select 'ten', 'act', 'spc', 'own us-east-1', 'DisconnectParticipant', 'arn', 'gone-' || n, now(), now(),
            case when n % 2 = 0 then 'done' else 'pending' end, case when n % 2 = 0 then '2029-01-01'::timestamptz end
       from generate_series(1, $1) n`,
    [made],
  );
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

test.each<[string, () => Promise<unknown>]>([
  ['before Postgres has statistics', () => Promise.resolve()],
  ['with statistics', () => sql.query('analyze')],
])('%s: add_found_disconnects reads few deliveries', async (_when, prepare) => {
  await prepare();
  const args = { tenant: 'ten', space: 'spc', lookedAt, connected, limits };
  const add = async () => expect(await sql.value('add_found_disconnects', args)).toBe(people);
  expect(await rowsReadBy(sql, 'deliveries', add)).toBeLessThanOrEqual(3 * people);
});
