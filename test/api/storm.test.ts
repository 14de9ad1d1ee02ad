/** Many users ask for tokens at the same moment. */
import type { PoolClient } from 'pg';
import { Database } from '../../src/database/database.ts';
import { expectProblem } from '../support/problem.ts';
import { type Answer, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

/** No more vends than this run at the same time: see `VendTurns`. */
const mostAtOnce = 128;
const people = 800;

let stagedoor: Stagedoor;
const held: PoolClient[] = [];

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
});

afterAll(async () => {
  for (const client of held.splice(0)) client.release();
  await stagedoor.stop();
});

async function tenantWithSpace(): Promise<{ tenant: TestTenant; path: string }> {
  const tenant = await stagedoor.createTenant();
  const space = await stagedoor.createSpace(tenant);
  await stagedoor.expect(201, stagedoor.post('/v1/signing-keys', tenant.key, {})); // IVS has no part in it
  const path = `/v1/spaces/${space['id']}/stage-tokens`;
  // From here on the service knows the tenant of the space. Those that it does not know share their turns.
  await stagedoor.expect(201, stagedoor.post(path, await tenant.issuer.token('first')));
  return { tenant, path };
}

test('a storm begins few vends, and the other users are told when to come back', async () => {
  const [loud, quiet] = [await tenantWithSpace(), await tenantWithSpace()];
  const { pool } = stagedoor.app.get(Database, { strict: false });
  while (held.length < (pool.options.max ?? 0)) held.push(await pool.connect());
  const answers: Answer[] = [];
  let mostAtDatabase = 0;
  const storm = Array.from({ length: people }, async (_, n) => {
    const answer = await stagedoor.once.post(loud.path, loud.tenant.key, { userId: `user-${n}` });
    mostAtDatabase = Math.max(mostAtDatabase, pool.waitingCount);
    answers.push(answer);
  });
  await until(() => {
    mostAtDatabase = Math.max(mostAtDatabase, pool.waitingCount);
    return answers.length > 0;
  }, 'the first user is answered while nothing can be done');
  const late = stagedoor.post(quiet.path, quiet.tenant.key, { userId: 'late' });
  await until(
    () => answers.some(({ body }) => String(body['detail']).startsWith('More users ask')),
    'one is told to come back',
  );
  for (const client of held.splice(0)) client.release();
  await Promise.all(storm);

  expect(mostAtDatabase).toBeGreaterThan(0);
  expect(mostAtDatabase).toBeLessThanOrEqual(mostAtOnce);
  const refused = answers.filter(({ status }) => status !== 201);
  for (const answer of refused) {
    expectProblem(answer, 'unavailable');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  }
  expect((await late).status).toBe(201);
  expect(await (await fetch(`${stagedoor.url}/metrics`)).text()).toMatch(
    /stagedoor_vend_turn_wait_seconds_count\{outcome="refused"\} \d+/,
  );
  await stagedoor.expect(201, stagedoor.post(loud.path, loud.tenant.key, { userId: 'afterwards' }));
});
