/** `admit_exchange`, as a table: state and role, whether a token to exchange may be given, and the grant of it. */
import { limits } from '../../../src/limits.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

/** The state that a row of the table starts from. Each case changes what it is about. A null leaves the row out. */
interface Case {
  tenant?: Row;
  space?: Row;
  role?: Row;
  /** The member row that gives the role. */
  member?: Row | null;
  key?: Row | null;
  ban?: Row;
  grants?: Row[];
  request?: Row;
  /** A DisconnectParticipant of the participant. */
  delivery?: Row;
}

const held = {
  id: 'old',
  mint: 'key-pair',
  participant_id: 'p',
  ivs_user_id: 'p-ann',
  capabilities: ['PUBLISH', 'SUBSCRIBE'],
  signing_key_id: 'sgk_before',
};

async function exchange(given: Case = {}): Promise<Row | null> {
  for (const id of ['ten', 'ten_other']) await sql.insert('tenants', { id, ...(id === 'ten' && given.tenant) });
  const of = { tenant_id: 'ten' };
  await sql.insert('roles', {
    ...of,
    name: 'viewer',
    stage_capabilities: ['SUBSCRIBE'],
    stage_ttl_seconds: 300,
    ...given.role,
  });
  await sql.insert('spaces', { ...of, id: 'spc', ...given.space });
  await sql.insert('spaces', { ...of, id: 'spc_beside' });
  if (given.member !== null) await sql.insert('members', { ...of, space_id: 'spc', role: 'viewer', ...given.member });
  if (given.key !== null) await sql.insert('signing_keys', { ...of, id: 'sgk', ...given.key });
  if (given.ban) await sql.insert('bans', { ...of, ...given.ban });
  for (const grant of given.grants ?? [held]) await sql.insert('grants', { ...of, space_id: 'spc', ...grant });
  if (given.delivery) {
    await sql.insert('actions', { ...of, id: 'act' });
    await sql.insert('deliveries', { ...of, action_id: 'act', space_id: 'spc', target: 'p', ...given.delivery });
  }
  const request = {
    tenant: 'ten',
    space: 'spc',
    user: 'ann',
    pseudonym: 'p-ann',
    grant: 'new',
    limits,
  };
  return await sql.value('admit_exchange', { ...request, ...given.request });
}

const frozen = { frozen_at: inSeconds(-1) };

describe('admit_exchange gives nothing', () => {
  test.each<[string, Case]>([
    ['at a tenant that is suspended', { tenant: { status: 'suspended' } }],
    ['at a tenant that is not there', { request: { tenant: 'ten_gone' } }],
    ['at another tenant', { request: { tenant: 'ten_other' } }],
    ['for a space that is not there', { request: { space: 'spc_gone' } }],
    ['for a space that is closed', { space: { status: 'closed' } }],
    ['for a space that is not ready', { space: { ready_at: null } }],
    ['for a space that was deleted', { space: { deleted_at: inSeconds(-1) } }],
    ['for a space without a stage', { space: { stage_arn: null } }],
    ['for a space that is frozen', { space: frozen }],
    ['to a user who is banned', { ban: {} }],
    ['to a user who is banned in this space', { ban: { space_id: 'spc' } }],
    ['to a user who was banned and then erased', { ban: { user_id: 'erased:p-ann' } }],
    ['without a member row', { member: null }],
    ['in the default role of the space, which gives no rank', { member: null, space: { default_role: 'viewer' } }],
    ['for the member row of another space', { member: { space_id: 'spc_beside' } }],
    ['to a user who is banned by somebody above them', { role: { rank: 20 }, ban: { by_rank: 21 } }],
    ['in a role without stages', { role: { stage_ttl_seconds: null } }],
    ['if the tenant has no key', { key: null }],
    ['if the only key is retiring', { key: { state: 'retiring' } }],
    ['if the only key is being imported', { key: { state: 'importing' } }],
    ['if the only key is of another tenant', { key: { tenant_id: 'ten_other' } }],
    ['to a user without a grant', { grants: [] }],
    ['for a token that IVS made', { grants: [{ ...held, mint: 'ivs' }] }],
    ['for a grant of chat', { grants: [{ ...held, kind: 'chat' }] }],
    ['for a grant that is watched', { grants: [{ ...held, state: 'watched' }] }],
    ['for a grant that was refused', { grants: [{ ...held, state: 'refused' }] }],
    ['for a grant of somebody else', { grants: [{ ...held, user_id: 'ben' }] }],
    ['for a grant for another space', { grants: [{ ...held, space_id: 'spc_beside' }] }],
    ['for a grant at another tenant', { grants: [{ ...held, tenant_id: 'ten_other' }] }],
    ['for a participant whom a call disconnects', { delivery: {} }],
    ['for one whom IVS may still disconnect', { delivery: { state: 'done', lands_until: inSeconds(9) } }],
  ])('%s', async (_, given) => {
    expect(await exchange(given)).toBeNull();
    expect(await sql.query(`select from grants where id = 'new'`)).toEqual([]);
  });
});

describe('admit_exchange gives a token', () => {
  test.each<[string, Case]>([
    ['for a grant that Stagedoor signed', {}],
    ['to a moderator, into a frozen space', { space: frozen, role: { moderator: true } }],
    ['to a user who is banned by somebody of their own rank', { role: { rank: 20 }, ban: { by_rank: 20 } }],
    ['to a user who is banned by somebody below them', { role: { rank: 20 }, ban: { by_rank: 19 } }],
    ['to a user whose ban was lifted', { ban: { lifted_at: inSeconds(-1) } }],
    ['to a user whose ban is over', { ban: { expires_at: inSeconds(-1) } }],
    ['to a user who is banned in another space', { ban: { space_id: 'spc_beside' } }],
    ['to a user beside somebody who is banned', { ban: { user_id: 'ben' } }],
    ['to a user beside somebody who was banned and then erased', { ban: { user_id: 'erased:p-ben' } }],
    [
      'for a token that has expired: its participant may have stayed',
      { grants: [{ ...held, expires_at: inSeconds(-60), session_expires_at: inSeconds(-60) }] },
    ],
    ['into a full space: the participant is inside', { space: { capacity: 0 } }],
  ])('%s', async (_, given) => {
    expect(await exchange(given)).toMatchObject({ participantId: 'p' });
    expect(await sql.query(`select state, participant_id from grants where id = 'new'`)).toEqual([
      { state: 'released', participant_id: 'p' },
    ]);
  });

  const more = { issued_at: inSeconds(-90), participant_id: 'more' };
  const same = { id: 'same', capabilities: ['SUBSCRIBE'], issued_at: inSeconds(-30), participant_id: 'same' };
  test.each<[string, Row[], string]>([
    [
      'that holds more than the role, before a newer one',
      [
        { ...held, ...same },
        { ...held, ...more },
      ],
      'more',
    ],
    [
      'that came last',
      [
        { ...held, ...same, issued_at: inSeconds(-120), id: 'first', participant_id: 'first' },
        { ...held, ...same },
      ],
      'same',
    ],
  ])('to the participant %s', async (_, grants, participantId) => {
    expect(await exchange({ grants })).toMatchObject({ participantId });
  });

  test('with everything that is needed to make it, and no part of a chat', async () => {
    expect(await exchange({ role: { attributes: { badge: 'gold' }, client_attributes: ['mood'] } })).toEqual({
      participantId: 'p',
      tenant: { id: 'ten', region: 'us-east-1', awsRoleArn: null, awsExternalId: null },
      ivsUserId: 'p-ann',
      space: { id: 'spc', name: 'A space' },
      role: { name: 'viewer', attributes: { badge: 'gold' }, clientAttributes: ['mood'] },
      issuedAt: expect.any(String),
      used: 0,
      stage: {
        arn: expect.stringContaining(':stage/'),
        endpoints: { events: 'wss://events', whip: 'https://whip' },
        endpointsAt: expect.any(String),
        capabilities: ['SUBSCRIBE'],
        ttlSeconds: 300,
      },
      chat: null,
      signingKey: {
        id: 'sgk',
        arn: expect.stringContaining(':public-key/'),
        state: 'active',
        privateKey: Buffer.from('sealed').toString('base64'),
      },
    });
  });

  test('and records its grant beside the old one, which stays as it is', async () => {
    const answer = await exchange();
    const issuedAt = new Date(String(answer?.['issuedAt']));
    const expiresAt = new Date(issuedAt.getTime() + 300_000);
    expect(await sql.query(`select * from grants where id = 'new'`)).toEqual([
      {
        tenant_id: 'ten',
        id: 'new',
        space_id: 'spc',
        user_id: 'ann',
        ivs_user_id: 'p-ann',
        kind: 'stage',
        role: 'viewer',
        mint: 'key-pair',
        signing_key_id: 'sgk',
        participant_id: 'p',
        capabilities: ['SUBSCRIBE'],
        state: 'released',
        issued_at: issuedAt,
        checked_at: expect.any(Date),
        expires_at: expiresAt,
        session_expires_at: expiresAt,
        turn: expect.any(String),
      },
    ]);
    expect(await sql.query(`select * from grants where id = 'old'`)).toEqual([
      expect.objectContaining({ ...held, state: 'released' }),
    ]);
    expect(await sql.query('select from audit')).toEqual([]);
    expect(await sql.query('select from unsealed_groups')).toEqual([]);
  });
});
