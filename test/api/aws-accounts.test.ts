import { CreateStageCommand, IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';
import { IvsRealTime } from '../../src/ivs/ivs-real-time.ts';
import { inTime } from '../support/own-time.ts';
import { expectProblem } from '../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

const roleArn = 'arn:aws:iam::444455556666:role/stagedoor';
const plainRoleArn = 'arn:aws:iam::444455556666:role/plain';
const externalId = 'acme-2f6e1c';
const { operatorToken } = Stagedoor;
let stagedoor: Stagedoor;

beforeAll(async () => {
  stagedoor = await Stagedoor.start(
    {},
    {
      roles: [
        { arn: roleArn, externalId },
        { arn: plainRoleArn, externalId, tagSession: false },
      ],
    },
  );
});

afterAll(async () => {
  await stagedoor.stop();
});

function createSpace(tenant: TestTenant) {
  return stagedoor.post('/v1/spaces', tenant.key, { name: 'Main', defaultRole: 'viewer' });
}

const accountOf = ({ id }: TestTenant) => ({ id, region: 'us-east-1', awsRoleArn: roleArn, awsExternalId: externalId });

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

/** A client of IVS in the account of the tenants, as one who is not Stagedoor has it. */
const others = () =>
  new IVSRealTimeClient({
    region: 'us-east-1',
    endpoint: stagedoor.ivs.url,
    credentials: { accessKeyId: '444455556666', secretAccessKey: 'local' },
  });

/** A stage in the account of the tenants that Stagedoor did not make. */
async function untagged(): Promise<{ arn: string }> {
  const { stage } = await others().send(new CreateStageCommand({ name: 'Old' }));
  return { arn: stage?.arn ?? '' };
}

describe('a session in the account of a tenant', () => {
  const assumed = () =>
    stagedoor.ivs
      .journal({ operation: 'AssumeRole' })
      .map(({ input, error }): Record<string, string | undefined> => ({ ...(input as Json), error }));

  it('is one for both clients, names the tenant, and may do nothing to what belongs to another tenant', async () => {
    const aws = { roleArn, externalId };
    const [mine, other] = [
      await stagedoor.createTenant(undefined, { aws }),
      await stagedoor.createTenant(undefined, { aws }),
    ];
    stagedoor.ivs.clearJournal();
    const space = await stagedoor.expect(201, createSpace(mine));
    const foreign = await stagedoor.expect(201, createSpace(other));
    expect(assumed().filter(({ RoleSessionName }) => RoleSessionName === `stagedoor-${mine.id}`)).toEqual([
      expect.objectContaining({
        ExternalId: externalId,
        'Tags.member.1.Key': 'stagedoor:tenant',
        'Tags.member.1.Value': mine.id,
        error: undefined,
      }),
    ]);
    const ask = (arn: string) =>
      stagedoor.app.get(IvsRealTime).disconnectParticipant(accountOf(mine), arn, 'AbCdEfGhIjKl', 'test');
    await expect(ask(space['stage'].arn)).rejects.toMatchObject({ kind: 'not_found' });
    await expect(ask(foreign['stage'].arn)).rejects.toMatchObject({ kind: 'access_denied' });
  });

  it('has no tags where the trust policy of the role allows none, and works all the same', async () => {
    const aws = { roleArn: plainRoleArn, externalId };
    const tenant = await stagedoor.createTenant(undefined, { aws });
    stagedoor.ivs.clearJournal();
    await stagedoor.expect(201, createSpace(tenant));
    expect(assumed().map(({ error, ...input }) => [error, 'Tags.member.1.Key' in input, 'Policy' in input])).toEqual([
      ['AccessDenied', true, true],
      [undefined, false, true],
    ]);
  });

  it('of a tenant whose role is refused costs others nothing, and asks STS once a second', async () => {
    const broken = await stagedoor.createTenant(undefined, { aws: { roleArn, externalId: 'wrong' } });
    stagedoor.ivs.clearJournal();
    const begun = performance.now();
    const [answers, good] = await Promise.all([
      Promise.all(Array.from({ length: 20 }, () => createSpace(broken))),
      stagedoor.createTenant(undefined, { aws: { roleArn, externalId } }).then(createSpace),
    ]);
    for (const answer of answers) expect([403, 429, 502, 503]).toContain(answer.status);
    expect(good.status).toBe(201);
    const refused = assumed().filter(({ error }) => error !== undefined);
    expect(refused.length).toBeLessThanOrEqual(1 + (performance.now() - begun) / 1_000);
  });
});

it('what is in the tenant’s own account it adopts without a tag', async () => {
  const aws = { roleArn, externalId };
  const [first, second] = await Promise.all([1, 2].map(() => stagedoor.createTenant(undefined, { aws })));
  if (!first || !second) throw new Error('no tenants');
  const made = await stagedoor.expect(201, createSpace(first));
  const adopt = { name: 'Old', stage: { arn: made['stage'].arn }, room: false };
  // One account, two tenants. What the first has made has its tag, and a session of the second finds nothing there.
  expectProblem(await stagedoor.post('/v1/spaces', second.key, adopt), 'invalid_request');
  // What somebody else has made has no tag: the role shows that both may, and who adopts it first has it.
  const { arn } = await untagged();
  const old = { name: 'Old', defaultRole: 'viewer', stage: { arn }, room: false };
  const space = await stagedoor.expect(201, stagedoor.post('/v1/spaces', first.key, old));
  expectProblem(await stagedoor.post('/v1/spaces', second.key, old), 'conflict');
  await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/stage-tokens`, first.key, { userId: 'ann' }));
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
  await until(async () => (await createSpace(tenant)).status === 201, 'the role can be assumed');
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
