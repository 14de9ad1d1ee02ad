import { Stagedoor } from '../support/stagedoor.ts';

let stagedoor: Stagedoor;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
});

afterAll(async () => {
  await stagedoor.stop();
});

test('two people enter a stage and a chat room with tokens that were decided here', async () => {
  const tenant = await stagedoor.createTenant();
  const space = await stagedoor.createSpace(tenant);
  await stagedoor.expect(
    200,
    stagedoor.request('PUT', `/v1/spaces/${space['id']}/members/alice`, { as: tenant.key, body: { role: 'host' } }),
  );
  const alice = await stagedoor.expect(
    201,
    stagedoor.post(`/v1/spaces/${space['id']}/join`, await tenant.issuer.token('alice')),
  );
  expect(alice).toMatchObject({ role: 'host', userId: 'alice', stage: { mint: 'ivs' } });
  const joined = stagedoor.ivs.join(alice['stage'].token);
  expect(joined).toMatchObject({ participantId: alice['stage'].participantId });
});
