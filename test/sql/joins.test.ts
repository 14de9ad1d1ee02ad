/** The functions that admit is made of. */
import { fromNow, inSeconds, limitsWith, SqlSession } from '../support/sql.ts';

let sql: SqlSession;
let other: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
  other = await sql.another();
});
afterAll(async () => {
  await other.stop();
  await sql.stop();
});
beforeEach(async () => {
  await sql.begin();
  await other.begin();
});
afterEach(async () => {
  await other.rollback();
  await sql.rollback();
});

type Row = Record<string, unknown>;

const space: Row = {
  tenant_id: 'ten',
  id: 'spc',
  name: 'A space',
  stage_arn: 'stage',
  stage_endpoints: { events: 'wss://events' },
  stage_endpoints_at: '2026-07-01T11:00:00Z',
  room_arn: 'room',
  updated_at: '2026-07-01T10:00:00Z',
};

const role: Row = {
  tenant_id: 'ten',
  name: 'host',
  stage_capabilities: ['PUBLISH', 'SUBSCRIBE'],
  stage_ttl_seconds: 600,
  chat_capabilities: ['SEND_MESSAGE'],
  chat_session_minutes: 60,
  attributes: { badge: 'gold' },
  client_attributes: ['pronouns'],
};

const tenant: Row = { id: 'ten', region: 'us-east-1', ivs_user_ids: 'plain' };

/** An argument that is a row of a table, made of the parameter. */
function rowOf(table: string, parameter: string): string {
  return `jsonb_populate_record(null::${table}, ${parameter})`;
}

describe('refusal', () => {
  test.each(['credential', 'space_full', ''])('%p', async (code) => {
    expect(await sql.value('refusal', { code })).toEqual({ refused: code });
  });
});

describe('refusal_while_disconnected', () => {
  const call = { tenant_id: 'ten', action_id: 'act', space_id: 'spc', operation: 'DisconnectUser', arn: 'room' };
  const refusal = (ivsUserIds: string) =>
    sql.valueOf(
      'refusal_while_disconnected',
      `${rowOf('tenants', '$1')}, ${rowOf('spaces', '$2')}, 'ann', 'p-ann', null, false`,
      [JSON.stringify({ ...tenant, ivs_user_ids: ivsUserIds }), JSON.stringify(space)],
    );

  beforeEach(async () => {
    await sql.insert('tenants', tenant);
    await sql.insert('spaces', space);
    await sql.insert('actions', { tenant_id: 'ten', id: 'act', kind: 'user.disconnect', user_id: 'ann' });
  });

  test.each<[string, string, Row | null, object | null]>([
    ['nobody', 'plain', null, null],
    ['the user', 'plain', { target: 'ann' }, { refused: 'disconnecting', seconds: 0 }],
    ['the pseudonym of the user', 'pseudonym', { target: 'p-ann' }, { refused: 'disconnecting', seconds: 0 }],
    ['somebody with the name of the pseudonym', 'plain', { target: 'p-ann' }, null],
    ['the user, which IVS refuses', 'plain', { target: 'ann', state: 'stuck' }, null],
  ])('beside a kick of %s', async (_, ivsUserIds, delivery, answer) => {
    if (delivery) await sql.insert('deliveries', { ...call, ...delivery });
    expect(await refusal(ivsUserIds)).toEqual(answer);
  });

  test('beside an act against the user that goes on', async () => {
    await sql.insert('unfinished_actions', { tenant_id: 'ten', action_id: 'act' });
    expect(await refusal('plain')).toEqual({ refused: 'disconnecting', seconds: 0 });
  });
});

describe('refusal_by_rate', () => {
  test.each<[string, number]>([
    ['0 seconds', 60],
    ['1 millisecond', 60],
    ['1 second', 59],
    ['20 seconds', 40],
    ['20.5 seconds', 40],
    ['59 seconds', 1],
    ['59.999 seconds', 1],
    ['60 seconds', 1],
    ['2 minutes', 1],
  ])('%s after the oldest of the vends', async (age, retryAfterSeconds) => {
    expect(await sql.valueOf('refusal_by_rate', 'now() - $1::interval', [age])).toEqual({
      refused: 'rate',
      retryAfterSeconds,
    });
  });
});

describe('refusal_without_tokens', () => {
  test.each([
    [{}, { stage: true, room: true }],
    [{ stage_arn: null }, { stage: false, room: true }],
    [{ room_arn: null }, { stage: true, room: false }],
    [
      { stage_arn: null, room_arn: null },
      { stage: false, room: false },
    ],
  ])('a space with %j', async (changed, has) => {
    const args = `${rowOf('spaces', '$1')}, ${rowOf('roles', '$2')}`;
    expect(await sql.valueOf('refusal_without_tokens', args, [{ ...space, ...changed }, role])).toEqual({
      refused: 'nothing_to_give',
      role: 'host',
      space: has,
    });
  });
});

describe('admission_refusal', () => {
  interface Given {
    tenant?: Record<string, unknown>;
    space?: Record<string, unknown> | null;
    role?: Record<string, unknown> | null;
    ban?: Record<string, unknown>;
    ownRole?: string | null;
    rank?: number | null;
    kind?: string;
  }

  async function refusal(given: Given): Promise<unknown> {
    await sql.insert('tenants', { id: 'ten', ...given.tenant });
    await sql.insert('roles', { tenant_id: 'ten', name: 'host', rank: 30, ...given.role });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc', ...given.space });
    if (given.ban) await sql.insert('bans', { tenant_id: 'ten', ...given.ban });
    const space = given.space === null ? 'nobody' : 'spc';
    const role = given.role === null ? 'nobody' : 'host';
    const args = `find_tenant('ten'), find_space('ten', $1), find_role('ten', $2), 'ann', $3, $4::integer, $5, 'key', 'p-ann'`;
    const { ownRole = 'host', rank = 30, kind = 'system' } = given;
    return await sql.valueOf('admission_refusal', args, [space, role, ownRole, rank, kind]);
  }

  test.each<[string, Given, string | null]>([
    ['nothing', {}, null],
    ['a credential that does not hold', { kind: 'apiKey', tenant: { status: 'suspended' } }, 'credential'],
    ['a suspended tenant', { tenant: { status: 'suspended' }, space: null }, 'tenant_suspended'],
    ['no space', { space: null }, 'space_unknown'],
    ['a closed space', { space: { status: 'closed' }, ban: {} }, 'space_closed'],
    ['a ban', { ban: {}, role: null }, 'banned'],
    ['a ban that was kept when they were erased', { ban: { user_id: 'erased:p-ann' } }, 'banned'],
    ['a ban of this space by a higher rank', { ban: { by_rank: 31, space_id: 'spc' } }, 'banned'],
    ['a ban by a person, for nobody of a rank', { ban: { by_rank: 0 }, rank: null }, 'banned'],
    ['a ban by their rank', { ban: { by_rank: 30 } }, null],
    ['no role', { ownRole: null, role: null }, 'role_none'],
    ['a role that is not defined', { ownRole: 'king', role: null }, 'role_unknown'],
    ['a frozen space', { space: { frozen_at: inSeconds(-1) } }, 'space_frozen'],
    ['a frozen space, for a moderator', { space: { frozen_at: inSeconds(-1) }, role: { moderator: true } }, null],
    ['the default role of the space', { ownRole: null, space: { default_role: 'host' } }, null],
  ])('of %s', async (_, given, code) => {
    expect(await refusal(given)).toEqual(code === null ? null : expect.objectContaining({ refused: code }));
  });
});

describe('refusal_by_rank', () => {
  test.each<[string, number | null, Record<string, unknown> | null, boolean]>([
    ['no ban', 30, null, false],
    ['a ban by a lower rank', 30, { by_rank: 20 }, true],
    ['a ban by an API key', 30, { by_rank: null }, false],
    ['a ban by a higher rank', 30, { by_rank: 31 }, false],
    ['a ban, of a user without a rank', null, { by_rank: 0 }, false],
  ])('of %s', async (_, rank, ban, refuses) => {
    await sql.insert('tenants', { id: 'ten' });
    if (ban) await sql.insert('bans', { tenant_id: 'ten', id: 'ban', ...ban });
    const answer = await sql.value('refusal_by_rank', { tenant: 'ten', user: 'ann', space: 'spc', rank });
    expect(answer).toEqual(refuses ? { refused: 'outranks', ban: 'ban', rank } : null);
  });
});

describe('is_full', () => {
  const full = limitsWith({ longestTokenSeconds: 3600 });

  async function isFull(capacity: number | null, user = 'ann', session = sql, changed: Row = {}): Promise<unknown> {
    const args = `${rowOf('spaces', '$1')}, $2, $3, false`;
    return await session.valueOf('is_full', args, [{ ...space, capacity, ...changed }, user, full]);
  }

  async function put(grants: Row[]): Promise<void> {
    for (const grant of grants) await sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', ...grant });
  }

  const ben = { user_id: 'ben' };

  test.each<[string, Row[], number | null, boolean]>([
    ['without a capacity', [ben], null, false],
    ['of nobody and nobody inside', [], 0, true],
    ['of one and nobody inside', [], 1, false],
    ['of one and one inside', [ben], 1, true],
    ['of one and more inside: it was made smaller', [ben, { user_id: 'cat' }], 1, true],
    ['of two and one inside', [ben, { ...ben, kind: 'chat' }], 2, false],
    ['of one and one whose token is being made', [{ ...ben, state: 'pending' }], 1, true],
    ['of one and one who is watched', [{ ...ben, state: 'watched' }], 1, false],
    ['of one and one whose time is over', [{ ...ben, session_expires_at: fromNow(0) }], 1, false],
    ['of one and one in another space', [{ ...ben, space_id: 'spc_beside' }], 1, false],
    ['of one and one at another tenant', [{ ...ben, tenant_id: 'ten_other' }], 1, false],
    ['of one, where the user has the place', [{}], 1, false],
    ['of one, where the user has a place beside somebody else', [{}, ben], 1, false],
    ['of one, where the place of the user is being made', [{ state: 'pending' }, ben], 1, true],
    ['of one, where the user had a place', [{ session_expires_at: fromNow(0) }, ben], 1, true],
  ])('a space %s', async (_, grants, capacity, answer) => {
    await put(grants);
    expect(await isFull(capacity)).toBe(answer);
  });

  test('a space whose capacity was changed after the user took their place counts them anew', async () => {
    await put([{}, ben]);
    expect(await isFull(1, 'ann', sql, { updated_at: '2999-01-01T00:00:00Z' })).toBe(true);
    expect(await isFull(2, 'ann', sql, { updated_at: '2999-01-01T00:00:00Z' })).toBe(false);
  });

  test('newcomers are counted one after the other', async () => {
    await isFull(5, 'ann');
    expect(await other.hasToWait(() => isFull(5, 'ben', other))).toBe(true);
  });

  test.each<[string, number | null, Row]>([
    ['for a space without a capacity', null, {}],
    ['for another space', 5, { id: 'spc_beside' }],
    ['for a space of another tenant', 5, { tenant_id: 'ten_other' }],
  ])('a newcomer does not wait %s', async (_, capacity, changed) => {
    await isFull(5, 'ann');
    expect(await other.hasToWait(() => isFull(capacity, 'ben', other, changed))).toBe(false);
  });

  describe('beside a user who has a place', () => {
    /** A row that another connection can see: it is committed, and deleted after the test. */
    beforeEach(async () => {
      await put([{}]);
      await sql.commit();
      await sql.begin();
    });
    afterEach(async () => {
      await other.rollback();
      await sql.rollback();
      await sql.query('delete from grants');
      await sql.begin();
      await other.begin();
    });

    test('the user does not wait for a newcomer', async () => {
      await isFull(5, 'ben');
      expect(await other.hasToWait(() => isFull(5, 'ann', other))).toBe(false);
    });

    test('a newcomer does not wait for the user', async () => {
      await isFull(5, 'ann');
      expect(await other.hasToWait(() => isFull(5, 'ben', other))).toBe(false);
    });
  });
});

describe('admission_answer', () => {
  const key: Row = { id: 'sgk', arn: 'key', state: 'active', private_key: '\\x0102' };

  async function answer(given: { tenant?: Row; key?: Row | null; stage?: boolean; chat?: boolean }): Promise<Row> {
    const rows = ['tenants', 'spaces', 'roles', 'signing_keys'].map((table, at) => rowOf(table, `$${at + 1}`));
    return await sql.valueOf('admission_answer', `${rows.join(', ')}, 'p-ann', $5, 3, $6, $7`, [
      { ...tenant, ...given.tenant },
      space,
      role,
      given.key ?? null,
      new Date('2026-07-01T12:00:00.123Z'),
      given.stage ?? false,
      given.chat ?? false,
    ]);
  }

  const bare = {
    tenant: { id: 'ten', region: 'us-east-1', awsRoleArn: null, awsExternalId: null },
    ivsUserId: 'p-ann',
    space: { id: 'spc', name: 'A space' },
    role: { name: 'host', attributes: { badge: 'gold' }, clientAttributes: ['pronouns'] },
    issuedAt: '2026-07-01T12:00:00.123+00:00',
    used: 3,
    stage: null,
    chat: null,
    signingKey: null,
  };
  const stage = {
    arn: 'stage',
    endpoints: { events: 'wss://events' },
    endpointsAt: '2026-07-01T11:00:00+00:00',
    capabilities: ['PUBLISH', 'SUBSCRIBE'],
    ttlSeconds: 600,
  };
  const chat = { arn: 'room', capabilities: ['SEND_MESSAGE'], sessionMinutes: 60 };
  const account = { aws_role_arn: 'arn:role', aws_external_id: 'external' };

  test.each<[string, Parameters<typeof answer>[0], Row]>([
    ['neither half', {}, bare],
    ['the stage', { stage: true }, { ...bare, stage }],
    ['the chat', { chat: true }, { ...bare, chat }],
    ['both halves', { stage: true, chat: true }, { ...bare, stage, chat }],
    [
      'a key',
      { key, stage: true },
      { ...bare, stage, signingKey: { id: 'sgk', arn: 'key', state: 'active', privateKey: 'AQI=' } },
    ],
    ['a null row for a key', { key: {} }, bare],
    [
      'an account of the tenant',
      { tenant: account },
      { ...bare, tenant: { ...bare.tenant, awsRoleArn: 'arn:role', awsExternalId: 'external' } },
    ],
  ])('with %s', async (_, given, expected) => {
    expect(await answer(given)).toEqual(expected);
  });
});

describe('record_admission', () => {
  async function record(given: { tenant?: Row; stage?: string | null; chat?: string | null } = {}): Promise<Row> {
    const args = `${rowOf('tenants', '$1')}, ${rowOf('spaces', '$2')}, ${rowOf('roles', '$3')}, 'ann', 'p-ann', $4, $5, 'p',
      '{"kind": "apiKey", "id": "key"}', 'aud', 'space.join', 'request', 3, $6`;
    return await sql.valueOf('record_admission', args, [
      { ...tenant, ...given.tenant },
      space,
      role,
      given.stage ?? null,
      given.chat ?? null,
      limitsWith({ chatConnectSeconds: 90 }),
    ]);
  }

  beforeEach(async () => {
    await sql.insert('tenants', { id: 'ten' });
    await sql.insert('tenants', { id: 'ten_other' });
  });

  const pending = { state: 'pending', mint: null, participant_id: null, signing_key_id: null };
  const signed = { state: 'released', mint: 'key-pair', participant_id: 'p', signing_key_id: 'sgk' };

  /** The state of the tenant's key, or null; the ids of the grants that are asked for; the grants that are written. */
  test.each<[string, string | null, string | null, string | null, Row[]]>([
    [
      'both halves',
      null,
      'grt_s',
      'grt_c',
      [
        { id: 'grt_c', kind: 'chat', ...pending },
        { id: 'grt_s', kind: 'stage', ...pending },
      ],
    ],
    ['the stage', null, 'grt_s', null, [{ id: 'grt_s', kind: 'stage', ...pending }]],
    ['the chat', null, null, 'grt_c', [{ id: 'grt_c', kind: 'chat', ...pending }]],
    [
      'both halves with an active key',
      'active',
      'grt_s',
      'grt_c',
      [
        { id: 'grt_c', kind: 'chat', ...pending },
        { id: 'grt_s', kind: 'stage', ...signed },
      ],
    ],
    ['the stage with a retiring key', 'retiring', 'grt_s', null, [{ id: 'grt_s', kind: 'stage', ...pending }]],
    ['the chat with an active key', 'active', null, 'grt_c', [{ id: 'grt_c', kind: 'chat', ...pending }]],
  ])('records %s', async (_, keyState, stage, chat, grants) => {
    if (keyState !== null) await sql.insert('signing_keys', { tenant_id: 'ten', id: 'sgk', state: keyState });
    await sql.insert('signing_keys', { tenant_id: 'ten_other', id: 'sgk_other' });
    const answer = await record({ stage, chat });
    const written = await sql.query('select * from grants order by id');
    expect(written).toEqual(
      grants.map((grant) =>
        expect.objectContaining({ tenant_id: 'ten', space_id: 'spc', user_id: 'ann', role: 'host', ...grant }),
      ),
    );
    expect(answer).toMatchObject({
      used: 3,
      stage: stage && { arn: 'stage' },
      chat: chat && { arn: 'room' },
      signingKey: keyState !== null && stage !== null ? { id: 'sgk', state: keyState } : null,
    });
    for (const { issued_at: issuedAt } of written) expect(issuedAt).toEqual(new Date(String(answer['issuedAt'])));
    expect(await sql.query('select * from audit')).toEqual([]);
    expect(await sql.query('select v.* from unsealed_groups as g, vends_of_group(g) as v')).toEqual([
      {
        tenant_id: 'ten',
        id: 'aud',
        at: expect.any(Date),
        caller: { kind: 'apiKey', id: 'key' },
        action: 'space.join',
        space_id: 'spc',
        user_id: 'ann',
        role: 'host',
        stage_grant: stage,
        chat_grant: chat,
        request_id: 'request',
      },
    ]);
  });

  test.each([
    ['plain', 'ann'],
    ['pseudonym', 'p-ann'],
  ])('names the user to IVS: %s', async (ivs_user_ids, name) => {
    const answer = await record({ tenant: { ivs_user_ids }, stage: 'grt_s', chat: 'grt_c' });
    expect(answer['ivsUserId']).toBe(name);
    expect(await sql.query('select ivs_user_id, user_id from grants')).toEqual([
      { ivs_user_id: name, user_id: 'ann' },
      { ivs_user_id: name, user_id: 'ann' },
    ]);
  });
});
