/** The events of grants that are revoked. */
import { SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

const grant = { tenant_id: 'ten', space_id: 'spc', id: 'grt', user_id: 'ann', participant_id: 'part', role: 'host' };
const told = {
  type: 'grant.revoked',
  spaceId: 'spc',
  userId: 'ann',
  data: { grantId: 'grt', kind: 'stage', role: 'host', participantId: 'part' },
};
const written = () =>
  sql.query(
    `select type, space_id as "spaceId", user_id as "userId", data from events where tenant_id = 'ten' order by written`,
  );

describe('grant_revoked_event', () => {
  test('names the grant and its participant', async () => {
    await sql.insert('grants', grant);
    expect(await sql.valueOf('grant_revoked_event', `(select g from grants as g where id = 'grt')`)).toEqual(told);
  });
});

test('mark_grants_revoked tells of each grant that it revokes, and of no other', async () => {
  await sql.insert('grants', grant);
  await sql.insert('grants', { ...grant, id: 'grt_pending', state: 'pending' });
  await sql.insert('grants', { ...grant, id: 'grt_of_key', mint: 'key-pair' });
  for (let n = 0; n < 2; n++) {
    await sql.call('mark_grants_revoked', { tenant: 'ten', ids: ['grt', 'grt_pending', 'grt_of_key'], mint: 'ivs' });
  }
  expect(await written()).toEqual([told]);
});

test('revoke_grants_of_key tells of each grant that it revokes', async () => {
  for (const id of ['grt', 'grt_other']) {
    await sql.insert('grants', { ...grant, id, signing_key_id: 'sgk', mint: 'key-pair' });
  }
  await sql.value('revoke_grants_of_key', { tenant: 'ten', key: 'sgk', from: new Date(0), limit: 10 });
  const events = await written();
  expect(new Set(events.map(({ data }) => (data as { grantId: string }).grantId))).toEqual(
    new Set(['grt', 'grt_other']),
  );
});
