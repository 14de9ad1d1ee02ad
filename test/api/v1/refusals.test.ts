/** GET /v1/refusals: how many requests for tokens were refused, by hour and reason. */
import { RefusalCounts } from '../../../src/refusals/refusal-counts.ts';
import { expectProblem } from '../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';

let stagedoor: Stagedoor;
let acme: TestTenant;
let globex: TestTenant;
let space: Json;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  [acme, globex] = await Promise.all([stagedoor.createTenant(), stagedoor.createTenant()]);
  space = await stagedoor.createSpace(acme);
});
afterAll(() => stagedoor.stop());

const join = (userId: string) => stagedoor.post(`/v1/spaces/${space['id']}/join`, acme.key, { userId });
const note = () => stagedoor.app.get(RefusalCounts).run();
const asked = async (as: string, query = '') =>
  (await stagedoor.expect(200, stagedoor.get(`/v1/refusals${query}`, as)))['data'] as Json[];

/** Requests by reason, whether the hour has changed meanwhile or not. */
async function byReason(as: string, query = ''): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { reason, requests } of await asked(as, query)) sums[reason] = (sums[reason] ?? 0) + Number(requests);
  return sums;
}

test('counts each refusal by its reason, no token that was given, and shows another tenant nothing of it', async () => {
  await stagedoor.expect(201, stagedoor.post('/v1/bans', acme.key, { userId: 'troll' }));
  for (let n = 0; n < 3; n++) expectProblem(await join('troll'), 'banned');
  await stagedoor.expect(201, join('ann'));
  const ofRole = { userId: 'ann', role: 'nobody' };
  expectProblem(await stagedoor.post(`/v1/spaces/${space['id']}/join`, acme.key, ofRole), 'invalid_request');
  await note();
  expect(await byReason(acme.key)).toEqual({ banned: 3, invalid_request: 1 });
  expect(await byReason(globex.key)).toEqual({});
  expectProblem(await join('troll'), 'banned');
  await note();
  expect(await byReason(acme.key)).toEqual({ banned: 4, invalid_request: 1 });
  for (const { hour } of await asked(acme.key)) expect(hour).toMatch(/^\d{4}-\d\d-\d\dT\d\d:00:00\.000Z$/);
});

test('shows the hours since a time, the oldest first, and none of those that are not kept', async () => {
  const put = (hoursAgo: number) =>
    stagedoor.database.query(
      `insert into refusals values ($1, date_trunc('hour', now()) - make_interval(hours => $2), 'space_full', $2)`,
      [globex.id, hoursAgo],
    );
  for (const hours of [3, 30, 100, 24 * 7 + 2]) await put(hours);
  expect((await asked(globex.key)).map(({ requests }) => requests)).toEqual([3]);
  const since = (hours: number) => `?since=${new Date(Date.now() - hours * 3_600_000).toISOString()}`;
  expect((await asked(globex.key, since(40))).map(({ requests }) => requests)).toEqual([30, 3]);
  expect((await asked(globex.key, since(1_000))).map(({ requests }) => requests)).toEqual([100, 30, 3]);
});

test('refuses a time that is none, a key that is bound to a space, and app users', async () => {
  expectProblem(await stagedoor.get('/v1/refusals?since=yesterday', acme.key), 'invalid_request');
  const body = { name: 'bound', scopes: ['*'], spaceIds: [space['id']] };
  const { key } = await stagedoor.expect(201, stagedoor.post('/v1/api-keys', acme.key, body));
  expectProblem(await stagedoor.get('/v1/refusals', key as string), 'forbidden');
  expectProblem(await stagedoor.get('/v1/refusals', await acme.issuer.token('ann')), 'forbidden');
});

test('what cannot be noted is counted with what follows, and a stop notes the rest', async () => {
  const counts = stagedoor.app.get(RefusalCounts);
  counts.count(globex.id, 'space_closed');
  await stagedoor.database.query('alter table refusals rename to refusals_away');
  await expect(counts.run()).rejects.toThrow();
  await stagedoor.database.query('alter table refusals_away rename to refusals');
  counts.count(globex.id, 'space_closed');
  await stagedoor.stopService();
  const rows = await stagedoor.database.query(
    `select sum(requests)::int as requests from refusals where tenant_id = $1 and reason = 'space_closed'`,
    [globex.id],
  );
  expect(rows).toEqual([{ requests: 2 }]);
});
