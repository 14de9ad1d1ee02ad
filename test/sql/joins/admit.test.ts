/** `admit`, as a table: state and request, and what it answers. */
import { limits } from '../../../src/limits.ts';
import { inSeconds, limitsWith, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

/** The state that a row of the table starts from, and the request. Each case changes what it is about. */
interface Case {
  tenant?: Row;
  space?: Row;
  /** The role of the request. */
  role?: Row;
  apiKey?: Row;
  ban?: Row;
  member?: Row;
  signingKey?: Row;
  grants?: Row[];
  /** A DisconnectUser of the user. */
  delivery?: Row;
  /** Ids that the request does not find. */
  request?: Row;
}

const requestDefaults = {
  tenant: 'ten',
  callerKind: 'apiKey',
  credential: 'key',
  caller: { kind: 'apiKey', id: 'key' },
  space: 'spc',
  user: 'ann',
  pseudonym: 'p-ann',
  roleAsked: 'host' as string | null,
  rolesClaimed: [],
  stageGrant: 'grt_stage' as string | null,
  chatGrant: 'grt_chat' as string | null,
  participant: 'participant',
  staying: null as string | null,
  auditEntry: 'aud',
  outrankedEntry: 'aud_outranked',
  auditAction: 'space.join',
  request: 'request',
  vendsPerMinute: 30,
  limits,
  olderAction: 'act_older',
  olderEntry: 'aud_older',
  repeats: [],
};

async function admit(given: Case = {}): Promise<Row> {
  await sql.insert('tenants', { id: 'ten', ...given.tenant });
  const tenant = { tenant_id: 'ten' };
  await sql.insert('roles', { ...tenant, name: 'host', ...given.role });
  await sql.insert('roles', { ...tenant, name: 'viewer', stage_capabilities: ['SUBSCRIBE'] });
  await sql.insert('spaces', { ...tenant, id: 'spc', ...given.space });
  await sql.insert('api_keys', { ...tenant, id: 'key', ...given.apiKey });
  if (given.ban) await sql.insert('bans', { ...tenant, ...given.ban });
  if (given.member) await sql.insert('members', { ...tenant, space_id: 'spc', ...given.member });
  if (given.signingKey) await sql.insert('signing_keys', { ...tenant, id: 'sgk', ...given.signingKey });
  for (const grant of given.grants ?? []) await sql.insert('grants', { ...tenant, space_id: 'spc', ...grant });
  if (given.delivery) {
    await sql.insert('actions', { ...tenant, id: 'act' });
    const call = { operation: 'DisconnectUser', arn: 'room', target: 'ann' };
    await sql.insert('deliveries', { ...tenant, action_id: 'act', space_id: 'spc', ...call, ...given.delivery });
  }
  return await sql.value('admit', { ...requestDefaults, ...given.request });
}

const banned = { ban: { reason: 'spam' } };
const frozen = { frozen_at: inSeconds(-1) };
const manyVends = Array.from({ length: 30 }, () => ({}));

/** Every reason for which admit refuses, in the order of the checks: each row also gives all the reasons after it. */
const refusals: [string, Case, Row][] = [
  ['a credential that was revoked', { apiKey: { revoked_at: inSeconds(-1) } }, { refused: 'credential' }],
  ['a tenant that is suspended', { tenant: { status: 'suspended' } }, { refused: 'tenant_suspended' }],
  ['a space that is not there', { request: { space: 'spc_other' } }, { refused: 'space_unknown' }],
  ['a space that is closed', { space: { status: 'closed' } }, { refused: 'space_closed' }],
  ['a user who is banned', banned, { refused: 'banned', until: null, reason: 'spam' }],
  ['a user without a role', { request: { roleAsked: null } }, { refused: 'role_none' }],
  ['a role that the tenant does not define', { request: { roleAsked: 'king' } }, { refused: 'role_unknown' }],
  ['a space that is frozen', { space: frozen }, { refused: 'space_frozen' }],
  [
    'a role without anything that was asked for',
    { role: { stage_ttl_seconds: null, chat_session_minutes: null } },
    { refused: 'nothing_to_give', role: 'host', space: { stage: true, room: true } },
  ],
  [
    'a user whom a call disconnects from the room',
    { space: { room_arn: 'room' }, delivery: {} },
    { refused: 'disconnecting', seconds: 0 },
  ],
  ['a space that is full', { space: { capacity: 1 }, grants: [{ user_id: 'ben' }] }, { refused: 'space_full' }],
  [
    'a user who has used up their vends of a minute',
    { grants: manyVends.map(() => ({ issued_at: inSeconds(-20), state: 'refused' })) },
    { refused: 'rate', retryAfterSeconds: 40 },
  ],
];

/** Both states and requests together. Where two say something about the same thing, the first one wins. */
function together(first: Case, second: Case): Case {
  return {
    ...second,
    ...first,
    tenant: { ...second.tenant, ...first.tenant },
    space: { ...second.space, ...first.space },
    role: { ...second.role, ...first.role },
    grants: [...(first.grants ?? []), ...(second.grants ?? [])],
    request: { ...second.request, ...first.request },
  };
}

test('admit lets somebody at the console read a room that is full and frozen, and gives them no stage token', async () => {
  const full = { space: { ...frozen, capacity: 0, room_arn: 'room' }, request: { roleAsked: 'console:moderator' } };
  expect(await admit(full)).toMatchObject({
    role: { name: 'console:moderator', attributes: {}, clientAttributes: [] },
    stage: null,
    chat: { arn: 'room', capabilities: ['SEND_MESSAGE'], sessionMinutes: 20 },
  });
  const [grant] = await sql.query('select kind, role, state from grants');
  expect(grant).toEqual({ kind: 'chat', role: 'console:moderator', state: 'pending' });
});

describe('admit refuses', () => {
  test.each(refusals)('%s', async (_, given, answer) => {
    const refused = await admit(given);
    if (answer['refused'] === 'rate') expect([39, 40, 41]).toContain(refused['retryAfterSeconds']);
    expect(refused).toEqual({
      ...answer,
      ...(answer['refused'] === 'rate' && { retryAfterSeconds: expect.any(Number) }),
    });
    expect(await sql.query(`select from grants where id in ('grt_stage', 'grt_chat')`)).toEqual([]);
    expect(await sql.query('select from audit')).toEqual([]);
    expect(await sql.query('select from unsealed_groups')).toEqual([]);
  });

  test.each(refusals.slice(0, -1).map(([what, given, answer], at) => [what, given, answer, at] as const))(
    '%s, before it looks at anything that comes later',
    async (_, given, answer, at) => {
      const later = refusals.slice(at + 1).map(([, state]) => state);
      expect((await admit(later.reduce(together, given)))['refused']).toBe(answer['refused']);
    },
  );

  test.each<[string, Case, string]>([
    ['an API key that has expired', { apiKey: { expires_at: inSeconds(-1) } }, 'credential'],
    ['an issuer that was deleted', { request: { callerKind: 'user', credential: 'iss_gone.1' } }, 'credential'],
    ['a space that is not ready', { space: { ready_at: null } }, 'space_unknown'],
    ['a space that was deleted', { space: { deleted_at: inSeconds(-1) } }, 'space_unknown'],
    ['a user who is banned in this space', { ban: { space_id: 'spc' } }, 'banned'],
    ['a user who is banned until later', { ban: { expires_at: inSeconds(60) } }, 'banned'],
    ['a user of whom a ban was kept when they were erased', { ban: { user_id: 'erased:p-ann' } }, 'banned'],
    [
      'a space without a stage for a stage token',
      { space: { stage_arn: null }, request: { chatGrant: null } },
      'nothing_to_give',
    ],
    [
      'a space without a room for a chat token',
      { space: { room_arn: null }, request: { stageGrant: null } },
      'nothing_to_give',
    ],
    [
      'a role without chat for a chat token',
      { role: { chat_session_minutes: null }, request: { stageGrant: null } },
      'nothing_to_give',
    ],
    [
      'a newcomer while a pending vend fills the space',
      { space: { capacity: 1 }, grants: [{ user_id: 'ben', state: 'pending', kind: 'chat', mint: null }] },
      'space_full',
    ],
    [
      'a user whose place is from before the space was changed',
      { space: { capacity: 1, updated_at: inSeconds(0) }, grants: [{ issued_at: inSeconds(-60) }, { user_id: 'ben' }] },
      'space_full',
    ],
  ])('%s', async (_, given, code) => {
    expect((await admit(given))['refused']).toBe(code);
  });
});

describe('admit and who outranks an act against them', () => {
  const claims = { roleAsked: null, rolesClaimed: ['host'] };

  test.each<[string, Case, unknown]>([
    ['a ban by their rank', { role: { rank: 30 }, ban: { id: 'ban', by_rank: 30 }, request: claims }, 'outranks'],
    ['a ban by a lower rank', { role: { rank: 30 }, ban: { id: 'ban', by_rank: 20 }, request: claims }, 'outranks'],
    ['a ban by a higher rank', { role: { rank: 30 }, ban: { id: 'ban', by_rank: 31 }, request: claims }, 'banned'],
    ['a ban by an API key', { role: { rank: 30 }, ban: { id: 'ban' }, request: claims }, 'banned'],
    ['a ban, for a role that the API key names', { role: { rank: 30 }, ban: { id: 'ban', by_rank: 20 } }, 'outranks'],
    [
      'a ban, with the role that everybody has in the space',
      {
        role: { rank: 30 },
        space: { default_role: 'host' },
        ban: { id: 'ban', by_rank: 20 },
        request: { roleAsked: null },
      },
      'banned',
    ],
    [
      'a ban, with a member row that binds them',
      { role: { rank: 30 }, member: { role: 'viewer' }, ban: { id: 'ban', by_rank: 20 }, request: claims },
      'banned',
    ],
  ])('%s', async (_, given, refused) => {
    const answer = await admit(given);
    expect(answer['refused']).toBe(refused);
    if (refused === 'outranks') expect(answer).toEqual({ refused, ban: 'ban', rank: 30 });
    expect(await sql.query(`select from grants where id = 'grt_stage'`)).toEqual([]);
  });

  test.each<[string, Row, string, boolean]>([
    ['a lower rank', { by_rank: 20 }, 'host', true],
    ['their rank', { by_rank: 30 }, 'host', true],
    ['a higher rank', { by_rank: 31 }, 'viewer', false],
    ['an API key', { by_rank: null }, 'viewer', false],
  ])('a member row by %s', async (_, member, role, isNoted) => {
    const given = { role: { rank: 30 }, member: { role: 'viewer', ...member }, request: claims };
    expect(await admit(given)).toMatchObject({ role: { name: role } });
    expect(await sql.query('select from members where outranked_at is not null')).toHaveLength(isNoted ? 1 : 0);
    const noted = await sql.query(`select id, action from audit`);
    expect(noted).toEqual(isNoted ? [{ id: 'aud_outranked', action: 'member.outranked' }] : []);
  });

  test('a member row that does not bind the highest of several claimed roles', async () => {
    const claimed = { roleAsked: null, rolesClaimed: ['viewer', 'host'] };
    const given = { role: { rank: 30 }, member: { role: 'viewer', by_rank: 30 }, request: claimed };
    expect(await admit(given)).toMatchObject({ role: { name: 'host' } });
    expect(await sql.query('select from members where outranked_at is not null')).toHaveLength(1);
  });
});

describe('admit lets in', () => {
  const stageAndChat = ['chat', 'stage'];

  test.each<[string, Case, string[]]>([
    ['to both halves', {}, stageAndChat],
    ['to the stage alone', { request: { chatGrant: null } }, ['stage']],
    ['to the chat alone', { request: { stageGrant: null } }, ['chat']],
    ['to what the space has', { space: { room_arn: null } }, ['stage']],
    ['to what the role allows', { role: { stage_ttl_seconds: null } }, ['chat']],
    ['a moderator, into a frozen space', { space: frozen, role: { moderator: true } }, stageAndChat],
    ['a user whose ban was lifted', { ban: { lifted_at: inSeconds(-1) } }, stageAndChat],
    ['a user whose ban has run out', { ban: { expires_at: inSeconds(-1) } }, stageAndChat],
    ['a user who is banned elsewhere', { ban: { user_id: 'ben' } }, stageAndChat],
    [
      'a user who has their place in a full space',
      { space: { capacity: 1 }, grants: [{}, { user_id: 'ben' }] },
      stageAndChat,
    ],
    [
      'a newcomer beside somebody whose grant was revoked',
      { space: { capacity: 1 }, grants: [{ user_id: 'ben', state: 'revoked' }] },
      stageAndChat,
    ],
    [
      'a newcomer beside somebody whose grant has expired',
      { space: { capacity: 1 }, grants: [{ user_id: 'ben', session_expires_at: inSeconds(-1) }] },
      stageAndChat,
    ],
    ['a user with vends left', { grants: manyVends.slice(1).map(() => ({ issued_at: inSeconds(-20) })) }, stageAndChat],
    [
      'a user whose vends are of an earlier minute',
      { grants: manyVends.map(() => ({ issued_at: inSeconds(-61) })) },
      stageAndChat,
    ],
  ])('%s', async (_, given, kinds) => {
    const answer = await admit(given);
    expect(answer).not.toHaveProperty('refused');
    const made = await sql.query(`select kind from grants where id in ('grt_stage', 'grt_chat') order by kind`);
    expect(made.map(({ kind }) => kind)).toEqual(kinds);
    expect([answer['chat'] && 'chat', answer['stage'] && 'stage'].filter(Boolean)).toEqual(kinds);
    expect(await sql.query('select v.* from unsealed_groups as g, vends_of_group(g) as v')).toMatchObject([
      {
        action: 'space.join',
        user_id: 'ann',
        space_id: 'spc',
        role: 'host',
        stage_grant: kinds.includes('stage') ? 'grt_stage' : null,
        chat_grant: kinds.includes('chat') ? 'grt_chat' : null,
        request_id: 'request',
      },
    ]);
  });

  test.each<[string, Case, string]>([
    ['the role that the API key names, before all others', { member: { role: 'viewer' } }, 'host'],
    [
      'the role of the member row',
      { member: { role: 'viewer' }, request: { roleAsked: null, rolesClaimed: ['host'] } },
      'viewer',
    ],
    [
      'the role that the JWT claims',
      { space: { default_role: 'viewer' }, request: { roleAsked: null, rolesClaimed: ['host'] } },
      'host',
    ],
    [
      'the highest of the roles that the JWT claims',
      {
        role: { rank: 30 },
        space: { default_role: 'viewer' },
        request: { roleAsked: null, rolesClaimed: ['king', 'viewer', 'host'] },
      },
      'host',
    ],
    [
      'the default of the space, when the JWT claims a role that is not defined',
      { space: { default_role: 'viewer' }, request: { roleAsked: null, rolesClaimed: ['king'] } },
      'viewer',
    ],
  ])('with %s', async (_, given, role) => {
    expect(await admit(given)).toMatchObject({ role: { name: role } });
  });

  test.each<[string, Case, Row, Row | null]>([
    ['IVS, if the tenant has no signing key', {}, { state: 'pending', mint: null, participant_id: null }, null],
    [
      'Stagedoor, if the tenant has an active signing key: the grant is complete at once',
      { signingKey: {} },
      { state: 'released', mint: 'key-pair', participant_id: 'participant', signing_key_id: 'sgk' },
      { id: 'sgk', state: 'active' },
    ],
    [
      'IVS, beside a retiring key that can help out',
      { signingKey: { state: 'retiring' } },
      { state: 'pending', mint: null, participant_id: null },
      { id: 'sgk', state: 'retiring' },
    ],
  ])('to a stage token made by %s', async (_, given, grant, key) => {
    const answer = await admit(given);
    expect(await sql.query(`select * from grants where id = 'grt_stage'`)).toEqual([expect.objectContaining(grant)]);
    expect(answer['signingKey']).toEqual(key === null ? null : expect.objectContaining(key));
  });

  test('with everything that is needed to make the tokens', async () => {
    const answer = await admit({
      tenant: { ivs_user_ids: 'pseudonym' },
      signingKey: {},
      role: { attributes: { badge: 'gold' }, client_attributes: ['mood'] },
    });
    expect(answer).toEqual({
      tenant: { id: 'ten', region: 'us-east-1', awsRoleArn: null, awsExternalId: null },
      participantId: 'participant',
      ivsUserId: 'p-ann',
      space: { id: 'spc', name: 'A space' },
      role: { name: 'host', attributes: { badge: 'gold' }, clientAttributes: ['mood'] },
      issuedAt: expect.any(String),
      used: 1,
      stage: {
        arn: expect.stringContaining(':stage/'),
        endpoints: { events: 'wss://events', whip: 'https://whip' },
        endpointsAt: expect.any(String),
        capabilities: ['PUBLISH', 'SUBSCRIBE'],
        ttlSeconds: 600,
      },
      chat: { arn: expect.stringContaining(':room/'), capabilities: ['SEND_MESSAGE'], sessionMinutes: 60 },
      signingKey: {
        id: 'sgk',
        arn: expect.stringContaining(':public-key/'),
        state: 'active',
        privateKey: Buffer.from('sealed').toString('base64'),
      },
    });
  });

  test('and the grants live as long as the role and the limits say', async () => {
    await admit({ request: { limits: limitsWith({ chatConnectSeconds: 90 }) } });
    const lives = await sql.query(
      `select kind, extract(epoch from expires_at - issued_at)::int as token,
              extract(epoch from session_expires_at - issued_at)::int as session
         from grants order by kind`,
    );
    expect(lives).toEqual([
      { kind: 'chat', token: 90, session: 3600 },
      { kind: 'stage', token: 600, session: 600 },
    ]);
  });
});

test('admit raises an error if a limit is missing', async () => {
  await expect(admit({ request: { limits: {} } })).rejects.toThrow('the limit chatConnectSeconds was not passed');
});

test('admit sees only rows of the tenant that it enters', async () => {
  await sql.insert('tenants', { id: 'ten_other' });
  await sql.insert('bans', { tenant_id: 'ten_other', user_id: 'ann' });
  expect(await admit()).not.toHaveProperty('refused');
});

describe('admit for a participant who is on the stage', () => {
  const here = { mint: 'key-pair', participant_id: 'here' };

  test.each<[string, Row[], string | null, string]>([
    ['who may stay', [here], 'here', 'here'],
    ['whose token IVS made', [{ ...here, mint: 'ivs' }], 'here', 'participant'],
    ['whom an act is against', [{ ...here, state: 'watched' }], 'here', 'participant'],
    ['of somebody else', [{ ...here, user_id: 'ben' }], 'here', 'participant'],
    ['who is not named', [here], null, 'participant'],
  ])('%s', async (_, grants, staying, participantId) => {
    const answer = await admit({ signingKey: { state: 'active' }, grants, request: { staying } });
    expect(answer).toMatchObject({ participantId });
    expect(await sql.query(`select participant_id from grants where id = 'grt_stage'`)).toEqual([
      { participant_id: participantId },
    ]);
  });
});
