/** Reads of callers have connections of their own: whoever reads too much keeps nobody else waiting. */
import pg from 'pg';
import { Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';
import { expectProblem } from '../support/problem.ts';

let stagedoor: Stagedoor;
let reader: TestTenant;
let other: TestTenant;
let holder: pg.Client;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  reader = await stagedoor.createTenant('reader');
  other = await stagedoor.createTenant('other');
  holder = new pg.Client({ connectionString: stagedoor.database.superuserUrl });
  await holder.connect();
});
afterAll(async () => {
  await holder.end();
  await stagedoor.stop();
});

test('many slow reads of a tenant keep no act, no other tenant and no check of readiness waiting', async () => {
  const space = await stagedoor.createSpace(other);
  const members = `/v1/spaces/${(await stagedoor.createSpace(reader))['id']}/members`;
  await holder.query('begin; lock table members in access exclusive mode');
  const reads = Array.from({ length: 60 }, () => stagedoor.get(members, reader.key));
  const waiting = async () =>
    (await holder.query(`select from pg_locks where not granted and relation = 'members'::regclass`)).rowCount;
  await until(async () => ((await waiting()) ?? 0) >= 2, 'the reads of the tenant wait for the table');
  const [ready, event, roles] = await Promise.all([
    stagedoor.get('/health/ready'),
    stagedoor.post(`/v1/spaces/${space['id']}/events`, other.key, { name: 'hello' }),
    stagedoor.get('/v1/roles', other.key),
  ]);
  await holder.query('rollback');
  expect(ready.status).toBe(200);
  expect([200, 202]).toContain(event.status);
  expect(roles.status).toBe(200);
  const refused = (await Promise.all(reads)).filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  for (const answer of refused) {
    expectProblem(answer, 'rate_limited');
    expect(answer.headers.get('retry-after')).toBe('1');
  }
});
