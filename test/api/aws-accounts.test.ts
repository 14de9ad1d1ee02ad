import { inTime } from '../support/own-time.ts';
import { expectProblem } from '../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';

const roleArn = 'arn:aws:iam::444455556666:role/stagedoor';
const externalId = 'acme-2f6e1c';
const { operatorToken } = Stagedoor;
let stagedoor: Stagedoor;

beforeAll(async () => {
  stagedoor = await Stagedoor.start({}, { roles: [{ arn: roleArn, externalId }] });
});

afterAll(async () => {
  await stagedoor.stop();
});

function createSpace(tenant: TestTenant) {
  return stagedoor.post('/v1/spaces', tenant.key, { name: 'Main', defaultRole: 'viewer' });
}

/** Account and Region of the halves of a space. */
function whereIs(space: Json): string[] {
  return [space['stage'].arn, space['room'].arn].map((arn: string) => arn.split(':').slice(3, 5).join(' '));
}

it('without an account of its own, a tenant’s stages and rooms are in that of the service', async () => {
  const space = await stagedoor.expect(201, createSpace(await stagedoor.createTenant()));
  expect(whereIs(space)).toEqual(['us-east-1 111122223333', 'us-east-1 111122223333']);
});

it('with a role, everything is made and done in the tenant’s own account', async () => {
  const tenant = await stagedoor.createTenant(undefined, { aws: { roleArn, externalId } });
  const space = await stagedoor.expect(201, createSpace(tenant));
  expect(whereIs(space)).toEqual(['us-east-1 444455556666', 'us-east-1 444455556666']);
  stagedoor.ivs.clearJournal();
  const path = `/v1/spaces/${space['id']}/join`;
  const byIvs = await stagedoor.expect(201, stagedoor.post(path, tenant.key, { userId: 'ann' }));
  await stagedoor.expect(201, stagedoor.post('/v1/signing-keys', tenant.key));
  const byKey = await stagedoor.expect(201, stagedoor.post(path, tenant.key, { userId: 'bob' }));
  expect([byIvs, byKey].map(({ stage }) => stage.mint)).toEqual(['ivs', 'key-pair']);
  for (const { stage } of [byIvs, byKey]) expect(stagedoor.ivs.join(stage.token).stageArn).toBe(space['stage'].arn);
  await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId: 'ann' }));
  expect((await stagedoor.request('DELETE', `/v1/spaces/${space['id']}`, { as: tenant.key })).status).toBe(204);
  const accounts = new Map(
    stagedoor.ivs
      .journal()
      .filter(({ operation }) => !/^(AssumeRole|ListParticipants|GetStage)$/.test(operation))
      .map(({ operation, account }) => [operation, account]),
  );
  expect([...accounts.keys()]).toEqual(
    expect.arrayContaining([
      'CreateParticipantToken',
      'CreateChatToken',
      'ImportPublicKey',
      'DisconnectParticipant',
      'DeleteStage',
      'DeleteRoom',
    ]),
  );
  expect([...new Set(accounts.values())]).toEqual(['444455556666']);
});

it('what is in the tenant’s own account it adopts without a tag', async () => {
  const aws = { roleArn, externalId };
  const [first, second] = await Promise.all([1, 2].map(() => stagedoor.createTenant(undefined, { aws })));
  if (!first || !second) throw new Error('no tenants');
  const made = await stagedoor.expect(201, createSpace(first));
  const adopt = { name: 'Old', stage: { arn: made['stage'].arn }, room: false };
  // One account, two tenants: the role shows that both may, and the first has it.
  expectProblem(await stagedoor.post('/v1/spaces', second.key, adopt), 'conflict');
  const shared = await stagedoor.expect(201, createSpace(await stagedoor.createTenant()));
  const other = { name: 'x', stage: { arn: shared['stage'].arn }, room: false };
  expectProblem(await stagedoor.post('/v1/spaces', second.key, other), 'invalid_request');
});

it.each<[string, Json]>([
  ['with a wrong external id', { roleArn, externalId: 'somebody-else' }],
  ['whose external id differs in case', { roleArn, externalId: externalId.toUpperCase() }],
])('a role %s is refused clearly, and nothing is made', async (_what, aws) => {
  const tenant = await stagedoor.createTenant(undefined, { aws });
  stagedoor.ivs.clearJournal();
  const answer = await createSpace(tenant);
  expectProblem(answer, 'ivs_rejected');
  expect(answer.body['detail']).toMatch(/AWS account.*IAM/);
  expect(answer.text).not.toContain(externalId);
  expect(stagedoor.ivs.journal().filter(({ operation }) => operation.startsWith('Create'))).toEqual([]);
  expect((await stagedoor.get('/v1/spaces', tenant.key)).body['data']).toEqual([]);
});

it('a tenant set right works at once, and one whose role is taken away is not let in by what was kept', async () => {
  const tenant = await stagedoor.createTenant(undefined, { aws: { roleArn, externalId: 'wrong' } });
  const set = async (aws: Json | null) =>
    await stagedoor.expect(
      200,
      stagedoor.request('PATCH', `/v1/tenants/${tenant.id}`, { as: operatorToken, body: { aws } }),
    );
  expectProblem(await createSpace(tenant), 'ivs_rejected');
  expect((await set({ roleArn, externalId }))['aws']).toEqual({ roleArn, externalId });
  await stagedoor.expect(201, createSpace(tenant));
  await set({ roleArn, externalId: 'wrong-again' });
  expectProblem(await createSpace(tenant), 'ivs_rejected');
});

it('an account whose IVS does not answer is told of after the time for one call, and the others go on', async () => {
  const aws = { roleArn: 'arn:aws:iam::777788889999:role/other', externalId: 'x-1' };
  const tenant = await stagedoor.createTenant(undefined, { aws });
  stagedoor.ivs.fault({ operation: 'CreateStage', account: '777788889999', effect: { hang: true } });
  // A call has two and a half seconds, and there is no time for a second one.
  expectProblem(await inTime(4_500, () => createSpace(tenant)), 'ivs_unavailable');
  await stagedoor.expect(201, createSpace(await stagedoor.createTenant()));
  stagedoor.ivs.clearFaults();
});

it('an account whose role STS is too busy to assume is told to come again', async () => {
  const aws = { roleArn: 'arn:aws:iam::888899990000:role/other', externalId: 'x-2' };
  const tenant = await stagedoor.createTenant(undefined, { aws });
  const fault = stagedoor.ivs.fault({ operation: 'AssumeRole', effect: { error: 'Throttling', status: 400 } });
  expectProblem(await createSpace(tenant), 'ivs_unavailable');
  stagedoor.ivs.clearFaults(fault.id);
  await stagedoor.expect(201, createSpace(tenant));
});

it.each(['us-west-2', 'eu-west-1', 'ap-northeast-2'])(
  'a tenant of %s has its stages and rooms there',
  async (region) => {
    const tenant = await stagedoor.createTenant(undefined, { region, aws: { roleArn, externalId } });
    const space = await stagedoor.expect(201, createSpace(tenant));
    expect(whereIs(space)).toEqual([`${region} 444455556666`, `${region} 444455556666`]);
    const pass = await stagedoor.expect(
      201,
      stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId: 'ann' }),
    );
    expect(stagedoor.ivs.join(pass['stage'].token).stageArn).toBe(space['stage'].arn);
  },
);

it('a Region that has no IVS Chat is refused', async () => {
  const body = { slug: 'far-away', name: 'x', region: 'sa-east-1' };
  const answer = await stagedoor.post('/v1/tenants', operatorToken, body);
  expectProblem(answer, 'invalid_request');
  expect(answer.body['errors'][0].path).toBe('region');
});
