import { createHash, createHmac } from 'node:crypto';
import {
  CreateStageCommand,
  DeleteStageCommand,
  GetStageCommand,
  ListStagesCommand,
  ListTagsForResourceCommand,
} from '@aws-sdk/client-ivs-realtime';
import { CreateRoomCommand } from '@aws-sdk/client-ivschat';
import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import type { Emulator } from '../src/index.ts';
import { chat, type Credentials, OTHER_ACCOUNT, realtime, startEmulator, sts } from './support/clients.ts';

let ivs: Emulator;

beforeEach(async () => {
  ivs = await startEmulator();
});
afterEach(async () => {
  await ivs.stop();
});

async function listStages(credentials?: Credentials, region?: string): Promise<number> {
  const { stages } = await realtime(ivs, credentials, region).send(new ListStagesCommand({}));
  return stages?.length ?? 0;
}

it('the access key decides the account, and the credential scope decides the Region', async () => {
  await realtime(ivs).send(new CreateStageCommand({}));
  expect(await listStages()).toBe(1);
  expect(await listStages(OTHER_ACCOUNT)).toBe(0);
  expect(await listStages(undefined, 'eu-west-1')).toBe(0);
});

it('ARNs name the account, the Region and the service', async () => {
  const { stage } = await realtime(ivs, OTHER_ACCOUNT, 'eu-west-1').send(new CreateStageCommand({}));
  expect(stage?.arn).toMatch(/^arn:aws:ivs:eu-west-1:999988887777:stage\/[a-zA-Z0-9]{12}$/);
  const room = await chat(ivs, OTHER_ACCOUNT, 'eu-west-1').send(new CreateRoomCommand({}));
  expect(room.arn).toMatch(/^arn:aws:ivschat:eu-west-1:999988887777:room\/[a-zA-Z0-9]{12}$/);
});

it.each([
  ['an unknown access key', { accessKeyId: 'AKIAUNKNOWN', secretAccessKey: 'local' }, 'UnrecognizedClientException'],
  ['a wrong secret', { accessKeyId: 'local', secretAccessKey: 'wrong' }, 'InvalidSignatureException'],
  [
    'a session token that belongs to no session',
    { accessKeyId: 'local', secretAccessKey: 'local', sessionToken: 'made up' },
    'UnrecognizedClientException',
  ],
])('%s is refused', async (_what, credentials, name) => {
  await expect(listStages(credentials)).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 403 } });
});

it('a Region without the service is refused', async () => {
  await expect(listStages(undefined, 'eu-west-2')).rejects.toThrow();
});

it.each([
  ['an unknown operation', '/NoSuchOperation'],
  ['an unknown action of STS', '/'],
  ['an operation without a signature', '/ListStages'],
])('the answer to %s has a request id', async (_what, path) => {
  const answer = await fetch(`${ivs.url}${path}`, { method: 'POST', body: '{}' });
  expect(answer.ok).toBe(false);
  const requestId = answer.headers.get('x-amzn-requestid');
  expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  expect(ivs.journal().at(-1)).toMatchObject({ requestId, status: answer.status });
});

it('a request without a signature is refused, unless allowUnsigned is set', async () => {
  const unsigned = (url: string, headers = {}) => fetch(`${url}/ListStages`, { method: 'POST', headers, body: '{}' });
  const refused = await unsigned(ivs.url);
  expect(refused.status).toBe(403);
  expect(refused.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException');
  await using open = await startEmulator({ allowUnsigned: true });
  expect((await unsigned(open.url)).status).toBe(200);
  expect((await unsigned(open.url, { origin: 'https://elsewhere.example' })).status).toBe(403);
});

/** Sends a request with a signature that this function computes, so that a test can make single parts wrong. */
async function signed(options: { at?: Date; service?: string; body?: string; sentBody?: string } = {}) {
  const { at = new Date(), service = 'ivs', body = '{}', sentBody = body } = options;
  const time = at.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const date = time.slice(0, 8);
  const host = new URL(ivs.url).host;
  const sha = (text: string) => createHash('sha256').update(text).digest('hex');
  const canonical = `POST\n/ListStages\n\nhost:${host}\nx-amz-date:${time}\n\nhost;x-amz-date\n${sha(body)}`;
  const scope = `${date}/us-west-2/${service}/aws4_request`;
  let key: Buffer = Buffer.from('AWS4local');
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  const signature = createHmac('sha256', key)
    .update(`AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha(canonical)}`)
    .digest('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=local/${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`;
  return await fetch(`${ivs.url}/ListStages`, {
    method: 'POST',
    headers: { authorization, 'x-amz-date': time },
    body: sentBody,
  });
}

it('a signature that follows the documentation is accepted', async () => {
  expect((await signed()).status).toBe(200);
});

it.each([
  ['for another service', { service: 'ivschat' }],
  ['ten minutes old', { at: new Date(Date.now() - 600_000) }],
  ['ten minutes ahead', { at: new Date(Date.now() + 600_000) }],
  ['over another body', { body: '{}', sentBody: '{"maxResults":1}' }],
])('a signature %s is refused', async (_what, options) => {
  const response = await signed(options);
  expect(response.status).toBe(403);
  expect(response.headers.get('x-amzn-errortype')).toBe('InvalidSignatureException');
});

it('a signature over a path with a percent-encoded ARN is accepted', async () => {
  const client = realtime(ivs);
  const { stage } = await client.send(new CreateStageCommand({ tags: { a: 'b' } }));
  const { tags } = await client.send(new ListTagsForResourceCommand({ resourceArn: stage?.arn }));
  expect(tags).toEqual({ a: 'b' });
});

describe('STS', () => {
  const RoleArn = 'arn:aws:iam::999988887777:role/stagedoor';

  it('answers who the caller is', async () => {
    expect(await sts(ivs).send(new GetCallerIdentityCommand({}))).toMatchObject({ Account: '111122223333' });
  });

  it('answers that the caller is the root user of the account, as AWS does', async () => {
    const root = { accessKeyId: 'root', secretAccessKey: 'secret', account: '555566667777', root: true };
    await using emulator = await startEmulator({ credentials: [root] });
    expect(await sts(emulator, root).send(new GetCallerIdentityCommand({}))).toMatchObject({
      Arn: 'arn:aws:iam::555566667777:root',
      UserId: '555566667777',
      Account: '555566667777',
    });
  });

  it('gives out credentials for the account of a role, and they expire', async () => {
    const { Credentials: made, AssumedRoleUser: user } = await sts(ivs).send(
      new AssumeRoleCommand({ RoleArn, RoleSessionName: 'test', DurationSeconds: 900 }),
    );
    const credentials = {
      accessKeyId: made?.AccessKeyId ?? '',
      secretAccessKey: made?.SecretAccessKey ?? '',
      sessionToken: made?.SessionToken ?? '',
    };
    expect(user?.Arn).toBe('arn:aws:sts::999988887777:assumed-role/stagedoor/test');
    const { stage } = await realtime(ivs, credentials).send(new CreateStageCommand({}));
    expect(stage?.arn).toContain(':999988887777:stage/');
    expect((await sts(ivs, credentials).send(new GetCallerIdentityCommand({}))).Arn).toBe(user?.Arn);
    ivs.skip(901);
    await expect(listStages(credentials)).rejects.toMatchObject({ name: 'ExpiredTokenException' });
  });

  it('refuses a role with an external id when the id is missing', async () => {
    await using guarded = await startEmulator({ roles: [{ arn: RoleArn, externalId: 'tenant-7' }] });
    const assume = (ExternalId?: string) =>
      sts(guarded).send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'test', ExternalId }));
    await expect(assume()).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(assume('tenant-7')).resolves.toBeDefined();
  });

  describe('a session policy', () => {
    const tenant = (id: string) => ({ 'stagedoor:tenant': id });
    const policy = {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: ['ivs:CreateStage', 'ivs:TagResource'],
          Resource: '*',
          Condition: { StringEquals: { 'aws:RequestTag/stagedoor:tenant': 'a' } },
        },
        {
          Effect: 'Allow',
          Action: 'ivs:Get*',
          Resource: 'arn:aws:ivs:*:*:stage/*',
          Condition: { StringEqualsIfExists: { 'aws:ResourceTag/stagedoor:tenant': 'a' } },
        },
      ],
    };
    const assume = (document: unknown, more: object = {}) =>
      sts(ivs).send(
        new AssumeRoleCommand({ RoleArn, RoleSessionName: 'test', Policy: JSON.stringify(document), ...more }),
      );

    it('bounds what the session may do, by action, resource and tags', async () => {
      const { Credentials: made } = await assume(policy, { Tags: [{ Key: 'stagedoor:tenant', Value: 'a' }] });
      const bounded = realtime(ivs, {
        accessKeyId: made?.AccessKeyId ?? '',
        secretAccessKey: made?.SecretAccessKey ?? '',
        sessionToken: made?.SessionToken ?? '',
      });
      const free = realtime(ivs, { accessKeyId: '999988887777', secretAccessKey: 'local' });
      const denied = { name: 'AccessDeniedException' };
      const { stage } = await bounded.send(new CreateStageCommand({ tags: tenant('a') }));
      await expect(bounded.send(new CreateStageCommand({ tags: tenant('b') }))).rejects.toMatchObject(denied);
      await expect(bounded.send(new CreateStageCommand({}))).rejects.toMatchObject(denied);
      const [foreign, plain] = [
        await free.send(new CreateStageCommand({ tags: tenant('b') })),
        await free.send(new CreateStageCommand({})),
      ];
      const get = (arn = '') => bounded.send(new GetStageCommand({ arn }));
      await expect(get(stage?.arn)).resolves.toBeDefined();
      await expect(get(plain.stage?.arn)).resolves.toBeDefined();
      await expect(get(foreign.stage?.arn)).rejects.toMatchObject(denied);
      await expect(bounded.send(new DeleteStageCommand({ arn: stage?.arn }))).rejects.toMatchObject(denied);
    });

    it.each<[string, unknown]>([
      ['is no policy', 'x'],
      ['has no version', { Statement: [] }],
      ['has an effect of its own', { ...policy, Statement: { Effect: 'Maybe', Action: '*', Resource: '*' } }],
      [
        'has a condition that the emulator cannot judge',
        {
          ...policy,
          Statement: {
            Effect: 'Allow',
            Action: '*',
            Resource: '*',
            Condition: { IpAddress: { 'aws:SourceIp': '::' } },
          },
        },
      ],
    ])('that %s is refused', async (_what, document) => {
      await expect(assume(document)).rejects.toMatchObject({ name: 'MalformedPolicyDocumentException' });
    });

    it('that is too long is refused, and so are wrong session tags', async () => {
      const long = { ...policy, Statement: { ...policy.Statement[0], Sid: 'x'.repeat(2_048) } };
      await expect(assume(long)).rejects.toMatchObject({ name: 'ValidationError' });
      const Tags = [{ Key: 'a'.repeat(129), Value: 'x' }];
      await expect(assume(policy, { Tags })).rejects.toMatchObject({ name: 'ValidationError' });
    });
  });
});
