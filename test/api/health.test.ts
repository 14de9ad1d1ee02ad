import { Stagedoor } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

let stagedoor: Stagedoor;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
});

afterAll(async () => {
  await stagedoor.stop();
});

it('a service that is stopping says so, and when to look again', async () => {
  const tenant = await stagedoor.createTenant();
  const space = await stagedoor.createSpace(tenant, { stage: false });
  // A stop waits for calls to IVS that are on their way.
  const fault = stagedoor.ivs.fault({ operation: 'DisconnectUser', effect: { delayMs: 2_400 }, count: 1 });
  const kick = stagedoor.post(`/v1/spaces/${space['id']}/users/ann/disconnect`, tenant.key);
  await until(() => fault.struck === 1, 'the call is on its way');
  const stopped = stagedoor.stopService();
  await until(async () => {
    const ready = await stagedoor.get('/health/ready');
    if (ready.status === 200) return false;
    expect([ready.status, ready.body]).toEqual([503, { status: 'shutting_down' }]);
    expect(ready.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    return true;
  }, 'the service says that it is stopping');
  expect([200, 202]).toContain((await kick).status);
  await stopped;
});
