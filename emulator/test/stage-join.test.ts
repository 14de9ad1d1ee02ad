import {
  CreateParticipantTokenCommand,
  CreateStageCommand,
  DeletePublicKeyCommand,
  DeleteStageCommand,
  DisconnectParticipantCommand,
  ImportPublicKeyCommand,
  type IVSRealTimeClient,
  type Stage,
} from '@aws-sdk/client-ivs-realtime';
import { type Emulator, StageRefusal } from '../src/index.ts';
import { realtime, startEmulator } from './support/clients.ts';
import { claimsFor, newKeyPair, signToken } from './support/self-signed.ts';

let ivs: Emulator;
let client: IVSRealTimeClient;
let stage: Stage & { arn: string };

beforeEach(async () => {
  ivs = await startEmulator();
  client = realtime(ivs);
  stage = await newStage();
});
afterEach(async () => {
  client.destroy();
  await ivs.stop();
});

async function newStage(): Promise<Stage & { arn: string }> {
  const { stage: created } = await client.send(new CreateStageCommand({}));
  if (!created?.arn) throw new Error('CreateStage answered no stage');
  return { ...created, arn: created.arn };
}

async function awsToken(
  input: { duration?: number; userId?: string; capabilities?: ('PUBLISH' | 'SUBSCRIBE')[] } = {},
) {
  const { participantToken } = await client.send(new CreateParticipantTokenCommand({ stageArn: stage.arn, ...input }));
  return { token: participantToken?.token ?? '', participantId: participantToken?.participantId ?? '' };
}

async function importKey() {
  const { privateKey, publicKeyMaterial } = newKeyPair();
  const { publicKey } = await client.send(new ImportPublicKeyCommand({ publicKeyMaterial }));
  return { privateKey, arn: publicKey?.arn ?? '' };
}

function refusalOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof StageRefusal) return error.code;
    throw error;
  }
  return 'let in';
}

describe('a token made by IVS', () => {
  it('opens its stage with its user and its capabilities', async () => {
    const { token, participantId } = await awsToken({ userId: 'u-1', capabilities: ['SUBSCRIBE'] });
    expect(ivs.join(token)).toMatchObject({
      stageArn: stage.arn,
      participantId,
      userId: 'u-1',
      capabilities: { publish: false, subscribe: true },
    });
  });

  it('is refused when its payload was changed', async () => {
    const { token } = await awsToken();
    const [header, payload, signature = ''] = token.split('.');
    const forged = { ...JSON.parse(Buffer.from(payload ?? '', 'base64url').toString()), jti: 'somebodyelse' };
    const changed = Buffer.from(JSON.stringify(forged)).toString('base64url');
    expect(refusalOf(() => ivs.join(`${header}.${changed}.${signature}`))).toBe('TOKEN_INVALID_SIGNATURE');
  });

  it('is refused once it has expired', async () => {
    const { token } = await awsToken({ duration: 1 });
    ivs.skip(61);
    expect(refusalOf(() => ivs.join(token))).toBe('TOKEN_EXPIRED');
  });

  it('is refused when the stage was deleted', async () => {
    const { token } = await awsToken();
    await client.send(new DeleteStageCommand({ arn: stage.arn }));
    expect(refusalOf(() => ivs.join(token))).toBe('STAGE_DELETED');
  });

  it('replaces its first connection when it is used a second time', async () => {
    const { token } = await awsToken();
    expect(ivs.join(token).connection).toBe(1);
    expect(ivs.join(token).connection).toBe(2);
    expect(ivs.participants(stage.arn)).toHaveLength(1);
  });

  it('is refused after its participant was disconnected', async () => {
    const { token, participantId } = await awsToken();
    ivs.join(token);
    await client.send(new DisconnectParticipantCommand({ stageArn: stage.arn, participantId }));
    expect(ivs.participants(stage.arn)).toMatchObject([
      { state: 'DISCONNECTED', leaveReason: 'participant-disconnected' },
    ]);
    expect(refusalOf(() => ivs.join(token))).toBe('PARTICIPANT_DISCONNECTED');
  });

  it('opens the stage again after its participant was disconnected, if the switch says so', async () => {
    ivs.setSwitches({ kickedRefusedSeconds: 0 });
    const { token, participantId } = await awsToken();
    ivs.join(token);
    await client.send(new DisconnectParticipantCommand({ stageArn: stage.arn, participantId }));
    expect(ivs.join(token).participantId).toBe(participantId);
  });
});

describe('a token signed with an imported key', () => {
  it('opens its stage with the participant id of its claims', async () => {
    const key = await importKey();
    const joined = ivs.join(signToken(key.privateKey, key.arn, claimsFor(stage)));
    expect(joined).toMatchObject({ participantId: 'selfsigned01', userId: 'u-1', attributes: { role: 'host' } });
  });

  it('is refused when the key was deleted', async () => {
    const key = await importKey();
    const token = signToken(key.privateKey, key.arn, claimsFor(stage));
    await client.send(new DeletePublicKeyCommand({ arn: key.arn }));
    expect(refusalOf(() => ivs.join(token))).toBe('TOKEN_INVALID_SIGNATURE');
  });

  it('is refused when another key signed it', async () => {
    const key = await importKey();
    const stranger = newKeyPair();
    expect(refusalOf(() => ivs.join(signToken(stranger.privateKey, key.arn, claimsFor(stage))))).toBe(
      'TOKEN_INVALID_SIGNATURE',
    );
  });

  it('is refused when its claims name two different stages', async () => {
    const key = await importKey();
    const other = await newStage();
    const token = signToken(key.privateKey, key.arn, claimsFor(stage, { resource: other.arn }));
    expect(refusalOf(() => ivs.join(token))).toBe('TOKEN_INVALID');
  });

  it.each([
    ['no exp', { exp: undefined }],
    ['an exp in text', { exp: '2000000000' }],
    ['a life of more than 14 days', { exp: Math.floor(Date.now() / 1000) + 15 * 86_400 }],
    ['an iat in the future', { iat: Math.floor(Date.now() / 1000) + 120 }],
    ['a jti with a space', { jti: 'not an id' }],
    ['a jti of 65 characters', { jti: 'x'.repeat(65) }],
    ['another version', { version: '2.0' }],
    ['a foreign events_url', { events_url: 'wss://elsewhere.example' }],
    ['no whip_url', { whip_url: undefined }],
    ['capabilities in a list', { capabilities: ['PUBLISH'] }],
    ['a capability that does not exist', { capabilities: { allow_all: true } }],
    ['attributes that are not strings', { attributes: { level: 3 } }],
    ['attributes above 1 KB', { attributes: { a: 'é'.repeat(512) } }],
    ['a user_id of 129 characters', { user_id: 'x'.repeat(129) }],
  ])('is refused with %s', async (_what, overrides) => {
    const key = await importKey();
    const token = signToken(key.privateKey, key.arn, claimsFor(stage, overrides));
    expect(refusalOf(() => ivs.join(token))).toBe('TOKEN_INVALID');
  });

  it.each([['none'], ['HS256'], ['KMS']])('is refused when its header says %s', async (alg) => {
    const key = await importKey();
    const token = signToken(key.privateKey, key.arn, claimsFor(stage), { alg });
    expect(refusalOf(() => ivs.join(token))).toMatch(/^TOKEN_INVALID/);
  });
});

it.each(['', 'x', 'a.b.c', 'e30.e30.e30', '..'])('a text that is not a token is refused: %j', (token) => {
  expect(refusalOf(() => ivs.join(token))).toMatch(/^TOKEN_(INVALID|MISSING)$/);
});
