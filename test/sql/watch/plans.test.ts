/** A step of a look asks for the holds of those whom it has found, however many there are in the space. Row-level security changes plans. */
import { limits } from '../../../src/limits.ts';
import { inHours, insertHold, insertTwoTenants } from '../../support/moderation-rows.ts';
import { rowsReadBy } from '../../support/rows-read.ts';
import { SqlSession } from '../../support/sql.ts';
import { withAnyStatistics } from '../../support/statistics.ts';

let sql: SqlSession;

/** Holds of a large act, and the people of a page of the list of participants. */
const held = 2_000;
const found = 100;

const lookedAt = '2030-01-01T00:00:00.000Z';
const nth = (n: number) => String(n).padStart(24, '0');
const connected = Object.fromEntries(
  Array.from({ length: found }, (_, n) => [`part-${nth(n)}`, { userId: `user-${nth(n)}`, publishing: false }]),
);

beforeAll(async () => {
  sql = await SqlSession.start();
  await insertTwoTenants(sql);
  const row = { grant_id: 'grt', watch_for: 'banned', watch_from: '2029-12-31T00:00:00Z', expires_at: inHours(1) };
  await insertHold(sql, row, {});
  const copies = (table: string, columns: string) =>
    sql.query(
      `insert into ${table} select (jsonb_populate_record(t, jsonb_build_object(${columns}))).*
         from ${table} t, lateral (select lpad(n::text, 24, '0') as nth from generate_series(0, $1) n) as n`,
      [held - 1],
    );
  await copies('grants', `'id', 'grt_' || nth`);
  await copies('holds', `'grant_id', 'grt_' || nth, 'participant_id', 'part-' || nth, 'ivs_user_id', 'user-' || nth`);
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

const questions: [string, object][] = [
  ['unwanted_participants', { lookedAt, connected }],
  ['note_seen', { lookedAt, connected }],
  ['end_answered_holds', { lookedAt, since: null, connected, limits }],
];

withAnyStatistics(
  () => sql,
  () => {
    test.each(questions)('%s does not read the holds of the space for each participant', async (...asked) => {
      expect(await holdsReadBy(...asked)).toBeLessThan(5 * held);
    });
  },
  [0, 1],
);

test.each(questions)('with statistics %s reads the holds of those who were found', async (...asked) => {
  await sql.query('analyze');
  expect(await holdsReadBy(...asked)).toBeLessThan(8 * found);
});

async function holdsReadBy(name: string, args: object): Promise<number> {
  await sql.becomeService('ten');
  return await rowsReadBy(sql, 'holds', async () => {
    const rows = await sql.call(name, { tenant: 'ten', space: 'spc', ...args });
    if (name === 'unwanted_participants') expect(rows).toHaveLength(found);
  });
}
