import { DisconnectUserRequest, SendMessageRequest } from 'amazon-ivs-chat-messaging';
import { connectWithTokens, type Heard } from '../../../../emulator/test/support/chat-room.ts';
import { expectProblem } from '../../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../../support/stagedoor.ts';
import { until } from '../../../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;
const open: Heard[] = [];

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant, { name: 'Studio' });
  await putRole('reader', {
    stage: { capabilities: ['SUBSCRIBE'] },
    chat: { capabilities: [] },
  });
});

afterAll(async () => {
  for (const { room } of open) if (room.state !== 'disconnected') room.disconnect();
  await stagedoor.stop();
});

async function putRole(name: string, body: Json): Promise<void> {
  await stagedoor.expect(200, stagedoor.request('PUT', `/v1/roles/${name}`, { as: tenant.key, body }));
}

async function join(userId: string, claims: Json = {}, body?: Json, spaceId = space['id'] as string): Promise<Json> {
  const as = await tenant.issuer.token(userId, claims);
  return await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${spaceId}/join`, as, body));
}

async function enterChat({ chat }: Json): Promise<Heard> {
  const heard = connectWithTokens(chat.endpoint, async () => chat.token as string);
  open.push(heard);
  await heard.connected;
  return heard;
}

const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

it('joining answers both tokens and all that a client needs to use them', async () => {
  const answer = await join('alice', { role: 'host' });
  expect(answer).toEqual({
    space: { id: space['id'], name: 'Studio' },
    userId: 'alice',
    role: 'host',
    stage: {
      grantId: expect.stringMatching(/^grt_/),
      token: expect.stringMatching(/^\S{20,}$/),
      participantId: expect.stringMatching(/^[A-Za-z0-9]+$/),
      capabilities: ['PUBLISH', 'SUBSCRIBE'],
      attributes: {},
      expiresAt: time,
      mint: 'ivs',
    },
    chat: {
      grantId: expect.stringMatching(/^grt_/),
      token: expect.stringMatching(/^\S{20,}$/),
      capabilities: ['SEND_MESSAGE'],
      attributes: {},
      connectBefore: time,
      sessionExpiresAt: time,
      endpoint: stagedoor.ivs.chatUrl,
    },
  });
  const secondsTo = (at: string) => (Date.parse(at) - Date.now()) / 1000;
  expect(secondsTo(answer['stage'].expiresAt)).toBeLessThanOrEqual(601);
  expect(secondsTo(answer['stage'].expiresAt)).toBeGreaterThan(530);
  expect(secondsTo(answer['chat'].connectBefore)).toBeLessThanOrEqual(120);
  expect(secondsTo(answer['chat'].sessionExpiresAt)).toBeGreaterThan(3_500);
});

it('two people in the room hear one another, and one who may only read is refused by the room', async () => {
  const alice = await enterChat(await join('alice', { role: 'host' }));
  const bob = await enterChat(await join('bob'));
  const reader = await enterChat(await join('rita', { role: 'reader' }));
  await alice.room.sendMessage(new SendMessageRequest('hello'));
  await until(() => bob.messages.length === 1 && reader.messages.length === 1, 'the message arrives');
  expect(bob.messages[0]).toMatchObject({ content: 'hello', sender: { userId: 'alice' } });
  await expect(reader.room.sendMessage(new SendMessageRequest('me too'))).rejects.toMatchObject({ errorCode: 403 });
  await expect(alice.room.disconnectUser(new DisconnectUserRequest('bob'))).rejects.toMatchObject({ errorCode: 403 });
});

describe('attributes that the caller adds', () => {
  const wanted = { pronouns: 'she', role: 'host' };

  beforeAll(() => putRole('guest', { stage: { capabilities: ['SUBSCRIBE'] }, clientAttributes: ['pronouns'] }));

  it.each([
    ['join', { role: 'host' }, 'role'],
    ['stage-tokens', { pronouns: 'she', moderator: 'true' }, 'moderator'],
  ])('are refused by name to an app user whose role does not name them: %s', async (path, attributes, name) => {
    const as = await tenant.issuer.token('eve', { role: 'guest' });
    const answer = await stagedoor.post(`/v1/spaces/${space['id']}/${path}`, as, { attributes });
    expectProblem(answer, 'forbidden');
    expect(answer.body['detail']).toContain(`the attribute ${name}.`);
    const viewer = await tenant.issuer.token('eve', { role: 'viewer' });
    expectProblem(await stagedoor.post(`/v1/spaces/${space['id']}/${path}`, viewer, { attributes }), 'forbidden');
  });

  it('are those that the role names, for an app user, and any for an API key', async () => {
    const path = `/v1/spaces/${space['id']}/join`;
    const as = await tenant.issuer.token('eve', { role: 'guest' });
    const { stage } = await stagedoor.expect(201, stagedoor.post(path, as, { attributes: { pronouns: 'she' } }));
    expect(stagedoor.ivs.join(stage.token)).toMatchObject({ attributes: { pronouns: 'she' } });
    const body = { userId: 'eve', role: 'guest', attributes: wanted };
    const byKey = await stagedoor.expect(201, stagedoor.post(path, tenant.key, body));
    expect(stagedoor.ivs.join(byKey['stage'].token)).toMatchObject({ attributes: wanted });
  });
});

describe.each(['ivs', 'key-pair'])('a stage token of the mint %s', (mint) => {
  let tokens: Json;

  beforeAll(async () => {
    if (mint === 'key-pair') await stagedoor.expect(201, stagedoor.post('/v1/signing-keys', tenant.key));
    await putRole('star', {
      stage: { capabilities: ['PUBLISH'], ttlSeconds: 120 },
      chat: { capabilities: [] },
      attributes: { name: '{{claims.name}}', über: 'ünïcödé ☃ 💃' },
    });
    tokens = await join('carol-ü', { role: 'star', name: 'Çarol "C" \\ 💃' });
  });

  it('opens the stage of its space, as whom and with what was answered', () => {
    expect(tokens['stage'].mint).toBe(mint);
    const joined = stagedoor.ivs.join(tokens['stage'].token);
    expect(joined).toMatchObject({
      stageArn: space['stage'].arn,
      participantId: tokens['stage'].participantId,
      userId: 'carol-ü',
      attributes: { name: 'Çarol "C" \\ 💃', über: 'ünïcödé ☃ 💃' },
      capabilities: { publish: true, subscribe: false },
    });
    expect(tokens['stage'].attributes).toEqual(joined.attributes);
  });

  it('opens no other stage, and no room', async () => {
    const other = await stagedoor.createSpace(tenant);
    const fresh = await join('dave');
    expect(stagedoor.ivs.join(fresh['stage'].token).stageArn).not.toBe(other['stage'].arn);
    expect(stagedoor.ivs.participants(other['stage'].arn)).toEqual([]);
    const stranger = connectWithTokens(stagedoor.ivs.chatUrl, async () => fresh['stage'].token as string);
    expect(await stranger.disconnected).toBe('socketError');
  });

  it('is on record in the ledger as it was given', async () => {
    const { body } = await stagedoor.get(`/v1/grants?userId=carol-%C3%BC&limit=100`, tenant.key);
    const found = body['data'].find((grant: Json) => grant['id'] === tokens['stage'].grantId);
    expect(found).toEqual({
      id: tokens['stage'].grantId,
      kind: 'stage',
      spaceId: space['id'],
      userId: 'carol-ü',
      role: 'star',
      participantId: tokens['stage'].participantId,
      mint,
      capabilities: ['PUBLISH'],
      issuedAt: time,
      expiresAt: time,
      state: 'live',
    });
    const apart = Date.parse(found['expiresAt']) - Date.parse(tokens['stage'].expiresAt);
    expect(Math.abs(apart)).toBeLessThan(1_000); // tokens count in whole seconds
  });
});

describe('a chat token', () => {
  it('opens the room of its space only, once', async () => {
    const other = await stagedoor.createSpace(tenant);
    const tokens = await join('erin');
    await enterChat(tokens);
    expect(stagedoor.ivs.chatConnections(space['room'].arn).map(({ userId }) => userId)).toContain('erin');
    expect(stagedoor.ivs.chatConnections(other['room'].arn)).toEqual([]);
    const again = connectWithTokens(stagedoor.ivs.chatUrl, async () => tokens['chat'].token as string);
    expect(await again.disconnected).toBe('socketError');
  });

  it('opens no stage', async () => {
    const { chat } = await join('fred');
    expect(() => stagedoor.ivs.join(chat.token)).toThrow();
  });
});

describe('the halves', () => {
  it.each<[string, Json, string[]]>([
    ['stage: false', { stage: false }, ['chat']],
    ['chat: false', { chat: false }, ['stage']],
  ])('with %s only the other is given', async (_what, body, given) => {
    const answer = await join('gina', {}, body);
    expect(['stage', 'chat'].filter((half) => answer[half] !== null)).toEqual(given);
  });

  it('asking for neither is refused', async () => {
    const as = await tenant.issuer.token('gina');
    expectProblem(
      await stagedoor.post(`/v1/spaces/${space['id']}/join`, as, { stage: false, chat: false }),
      'invalid_request',
    );
  });

  it('a space without a room gives no chat token, and says so when only that is asked for', async () => {
    const stageOnly = await stagedoor.createSpace(tenant, { room: false });
    expect(await join('hank', {}, {}, stageOnly['id'])).toMatchObject({ chat: null, stage: { mint: 'key-pair' } });
    const as = await tenant.issuer.token('hank');
    expectProblem(await stagedoor.post(`/v1/spaces/${stageOnly['id']}/chat-tokens`, as), 'forbidden');
  });

  it('a role without a part in chat is given none', async () => {
    await putRole('silent', { stage: { capabilities: ['SUBSCRIBE'] } });
    expect(await join('ivy', { role: 'silent' })).toMatchObject({ role: 'silent', chat: null });
  });

  it.each<[string, string]>([
    ['stage-tokens', 'stage'],
    ['chat-tokens', 'chat'],
  ])('%s answers the one half, flat', async (route, half) => {
    const as = await tenant.issuer.token('jack');
    const flat = await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/${route}`, as));
    const both = await join('jack');
    expect(Object.keys(flat).sort()).toEqual(Object.keys(both[half]).sort());
  });
});

it('with pseudonyms, IVS and everybody else see a stable stand-in, and this API the tenant’s own id', async () => {
  const other = await stagedoor.createTenant();
  const patch = { as: Stagedoor.operatorToken, body: { ivsUserIds: 'pseudonym' } };
  await stagedoor.expect(200, stagedoor.request('PATCH', `/v1/tenants/${other.id}`, patch));
  const room = await stagedoor.createSpace(other);
  const seen: string[] = [];
  for (const userId of ['kim', 'kim', 'lou']) {
    const answer = await stagedoor.expect(
      201,
      stagedoor.post(`/v1/spaces/${room['id']}/join`, await other.issuer.token(userId)),
    );
    expect(answer['userId']).toBe(userId);
    seen.push(stagedoor.ivs.join(answer['stage'].token).userId);
  }
  expect(seen[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(seen[1]).toBe(seen[0]);
  expect(seen[2]).not.toBe(seen[0]);
  const ledger = await stagedoor.get('/v1/grants?userId=kim', other.key);
  expect(ledger.body['data']).toHaveLength(4);
});
