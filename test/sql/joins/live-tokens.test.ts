/** Tenants whose users may have one live token of a kind in a space (`one_live_token`): what `admit` and `settle` do. */
import { limits } from '../../../src/limits.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

type Row = Record<string, unknown>;

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
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

const ten = { tenant_id: 'ten' };

async function put(oneLiveToken: string, space: Row = {}): Promise<void> {
  await sql.insert('tenants', { id: 'ten', one_live_token: oneLiveToken });
  await sql.insert('roles', { ...ten, name: 'host' });
  await sql.insert('spaces', { ...ten, id: 'spc', stage_arn: 'stage', room_arn: 'room', ...space });
  await sql.insert('spaces', { ...ten, id: 'spc_beside' });
  await sql.insert('api_keys', { ...ten, id: 'key' });
}

const grant = (row: Row = {}) => sql.insert('grants', { ...ten, space_id: 'spc', id: 'grt_old', ...row });
const chatGrant = (row: Row = {}) => grant({ kind: 'chat', mint: null, participant_id: null, ...row });
/** The window of the token has closed, and its session goes on. */
const connected = { expires_at: inSeconds(-1) };

let tries = 0;

async function admit(request: Row = {}, session = sql): Promise<Row> {
  const nth = ++tries;
  return await session.value('admit', {
    tenant: 'ten',
    callerKind: 'apiKey',
    credential: 'key',
    caller: { kind: 'apiKey', id: 'key' },
    space: 'spc',
    user: 'ann',
    pseudonym: 'p-ann',
    roleAsked: 'host',
    rolesClaimed: [],
    stageGrant: `grt_stage${nth}`,
    chatGrant: null,
    participant: `participant-${nth}`,
    staying: null,
    auditEntry: `aud_${nth}`,
    outrankedEntry: `aud_outranked${nth}`,
    auditAction: 'space.join',
    request: 'request',
    vendsPerMinute: 30,
    limits,
    olderAction: `act_older${nth}`,
    olderEntry: `aud_older${nth}`,
    repeats: [],
    ...request,
  });
}

const chatAlone = () => ({ stageGrant: null, chatGrant: `grt_chat${tries + 1}` });

async function stateOf(id: string): Promise<unknown> {
  return (await sql.query('select state from grants where id = $1', [id]))[0]?.['state'];
}

async function calls(): Promise<Row[]> {
  return await sql.query(
    `select operation, target, follow_up, parameters ->> 'reason' as reason from deliveries order by id`,
  );
}

/** Live tokens that one of the kinds stands against: the state before the vend, and what `first` says of it. */
const live: [string, () => Promise<unknown>, Row | null][] = [
  ['no token', async () => {}, null],
  ['a stage token', () => grant(), { kind: 'stage' }],
  ['a stage token that is being made', () => grant({ state: 'pending', participant_id: null }), { kind: 'stage' }],
  ['a stage token whose vend was refused', () => grant({ state: 'refused' }), null],
  ['a stage token that was revoked', () => grant({ state: 'revoked' }), null],
  ['a stage token that an act is against', () => grant({ state: 'watched' }), null],
  [
    'a stage token that has expired',
    () => grant({ expires_at: inSeconds(-1), session_expires_at: inSeconds(-1) }),
    null,
  ],
  ['a stage token for another space', () => grant({ space_id: 'spc_beside' }), null],
  ['a stage token of another user', () => grant({ user_id: 'ben' }), null],
  ['a chat token', () => chatGrant(), null],
  [
    'a stage token that a change of role is against, while its participant may exchange it',
    async () => {
      await grant({ state: 'watched', participant_id: 'p-old' });
      await sql.insert('actions', { ...ten, id: 'act', kind: 'role.change' });
      await sql.insert('holds', {
        ...ten,
        action_id: 'act',
        space_id: 'spc',
        grant_id: 'grt_old',
        watch_for: 'demoted',
      });
    },
    { kind: 'stage' },
  ],
];

/** A participant whose token has expired, and who is on the stage, or was. */
async function putStaying(left: Row): Promise<void> {
  await grant({ participant_id: 'p-old', expires_at: inSeconds(-1), session_expires_at: inSeconds(-1) });
  await sql.insert('stage_looks', { ...ten, space_id: 'spc' });
  await sql.insert('stage_sessions', { ...ten, space_id: 'spc', session_id: 'st' });
  await sql.insert('stage_participants', {
    ...ten,
    space_id: 'spc',
    session_id: 'st',
    participant_id: 'p-old',
    ...left,
  });
}

describe('first', () => {
  test.each(live)('%s', async (_, before, refused) => {
    await put('first');
    await before();
    const answer = await admit();
    if (refused === null) expect(answer).toHaveProperty('issuedAt');
    else expect(answer).toMatchObject({ refused: 'live_token', grant: 'grt_old', first: true, ...refused });
    expect(await calls()).toEqual([]);
  });

  test('says when the token ends: that of a session, and that of a vend that may have been interrupted', async () => {
    await put('first');
    await grant();
    expect(await admit()).toMatchObject({ seconds: 600 });
    await sql.query(`update grants set state = 'pending', issued_at = clock_timestamp()`);
    expect(await admit()).toMatchObject({ seconds: limits.pendingSeconds });
  });

  test.each<[string, Row, Row]>([
    ['is there', { left_at: null }, { refused: 'live_token', until: null, seconds: null }],
    ['has left', { left_at: inSeconds(-1) }, { participantId: expect.any(String) }],
  ])('an expired stage token whose participant %s', async (_, left, answer) => {
    await put('first');
    await putStaying(left);
    expect(await admit()).toMatchObject(answer);
  });

  test('a chat token is live until its session ends, and each kind counts by itself', async () => {
    await put('first');
    await chatGrant(connected);
    expect(await admit(chatAlone())).toMatchObject({ refused: 'live_token', kind: 'chat' });
    expect(await admit()).toHaveProperty('issuedAt');
    await sql.query(`update grants set session_expires_at = now() - interval '1 second' where kind = 'chat'`);
    expect(await admit(chatAlone())).toHaveProperty('issuedAt');
  });

  test('a repeat of the request that got the token replaces it', async () => {
    await put('first');
    await grant({ participant_id: 'p-old' });
    expect(await admit({ repeats: ['grt_old'] })).toHaveProperty('issuedAt');
    expect(await stateOf('grt_old')).toBe('watched');
    expect(await admit({ repeats: ['grt_old'] })).toMatchObject({ refused: 'live_token' });
  });

  test('somebody at the console reads the room beside others of their id', async () => {
    await put('first');
    await chatGrant({ ...connected, role: 'console:viewer' });
    expect(await admit({ ...chatAlone(), roleAsked: 'console:viewer' })).toHaveProperty('issuedAt');
  });
});

describe('newest', () => {
  test.each(live)('%s', async (_, before, isReplaced) => {
    await put('newest');
    await before();
    const was = await stateOf('grt_old');
    expect(await admit()).toHaveProperty('issuedAt');
    const isMade = isReplaced !== null && was !== 'pending';
    expect(await stateOf('grt_old')).toBe(isReplaced === null ? was : isMade ? 'watched' : 'refused');
    expect((await calls()).length).toBe(isMade ? 1 : 0);
  });

  test('revokes the older stage token with the new one, and the log and the journal tell it', async () => {
    await put('newest');
    await sql.insert('journal_state', {});
    await grant({ participant_id: 'p-old' });
    const { issuedAt } = await admit();
    expect(await calls()).toEqual([
      { operation: 'DisconnectParticipant', target: 'p-old', follow_up: false, reason: 'stagedoor:newer_token' },
    ]);
    const by = { kind: 'system', id: 'one-live-token' };
    const [action] = await sql.query('select id, kind, user_id, space_id, requested_by from actions');
    expect(action).toMatchObject({ kind: 'grants.revoke', user_id: 'ann', space_id: 'spc', requested_by: by });
    const [entry] = await sql.query(`select caller, action, subject, details, request_id from audit`);
    expect(entry).toEqual({
      caller: by,
      action: 'grants.revoke',
      subject: action?.['id'],
      details: { reason: 'stagedoor:newer_token', oneLiveToken: 'newest', grantIds: ['grt_old'] },
      request_id: 'request',
    });
    const [noted] = await sql.query(`select action, more -> 'grants' -> 0 ->> 'id' as grant from journal_entries`);
    expect(noted).toEqual({ action: 'grants.revoke', grant: 'grt_old' });
    expect(new Date(String(issuedAt)).getTime()).toBeGreaterThan(0);
    expect(await sql.query(`select watch_for, grant_id from holds`)).toEqual([
      { watch_for: 'gone', grant_id: 'grt_old' },
    ]);
  });

  test('disconnects a participant who has stayed with an expired token', async () => {
    await put('newest');
    await putStaying({ left_at: null });
    expect(await admit()).toHaveProperty('issuedAt');
    expect(await calls()).toMatchObject([{ target: 'p-old' }]);
  });

  test('revokes a chat token before the new one, which waits for the call', async () => {
    await put('newest');
    await chatGrant(connected);
    await grant({ id: 'grt_old_stage' });
    const both = () => ({ chatGrant: `grt_chat${tries + 1}` });
    expect(await admit(both())).toEqual({ refused: 'disconnecting', seconds: 0 });
    expect(await calls()).toMatchObject([{ operation: 'DisconnectUser', target: 'ann', follow_up: false }]);
    expect(await stateOf('grt_old')).toBe('watched');
    // The old page stays on the stage until the new one gets in.
    expect(await stateOf('grt_old_stage')).toBe('released');
    expect(await admit(both())).toMatchObject({ refused: 'disconnecting' });
    await sql.query(`update deliveries set state = 'done', done_at = now()`);
    expect(await admit(both())).toHaveProperty('chat.arn', 'room');
    expect(await stateOf('grt_old_stage')).toBe('watched');
  });

  test('a chat token that can still connect keeps the new one waiting until it cannot', async () => {
    await put('newest');
    await chatGrant({ expires_at: inSeconds(40) });
    const { refused, seconds } = await admit(chatAlone());
    expect(refused).toBe('disconnecting');
    expect(Math.round(Number(seconds))).toBe(40 + limits.followUpSeconds);
  });

  test('the user keeps their place in a full space', async () => {
    await put('newest', { capacity: 1 });
    await grant();
    expect(await admit()).toHaveProperty('issuedAt');
    expect(await admit({ user: 'ben', pseudonym: 'p-ben' })).toEqual({ refused: 'space_full' });
  });

  test('nobody is disconnected for a vend that is refused for another reason', async () => {
    await put('newest');
    await grant();
    expect(await admit({ vendsPerMinute: 0 })).toMatchObject({ refused: 'rate' });
    expect(await stateOf('grt_old')).toBe('released');
  });
});

describe('a participant who is named', () => {
  const exchange = { mint: 'key-pair', participant_id: 'p-old' };

  test.each(['first', 'newest'])('exchanges their token: %s', async (setting) => {
    await put(setting);
    await sql.insert('signing_keys', { ...ten, id: 'sgk' });
    await grant(exchange);
    expect(await admit({ staying: 'p-old' })).toMatchObject({ participantId: 'p-old' });
    expect(await calls()).toEqual([]);
    // Both tokens are for one participant. Another vend counts both.
    if (setting === 'first') expect(await admit()).toMatchObject({ refused: 'live_token' });
    else {
      await admit();
      expect((await calls()).map(({ target }) => target)).toEqual(['p-old', 'p-old']);
    }
  });

  test('does not take the place of the one who has replaced them', async () => {
    await put('newest');
    await sql.insert('signing_keys', { ...ten, id: 'sgk' });
    await grant({ ...exchange, state: 'watched' });
    await grant({ id: 'grt_new', mint: 'key-pair', participant_id: 'p-new' });
    expect(await admit({ staying: 'p-old' })).toMatchObject({ refused: 'live_token', grant: 'grt_new', first: false });
    expect(await stateOf('grt_new')).toBe('released');
    await sql.query(`update grants set state = 'watched' where id = 'grt_new'`);
    expect(await admit({ staying: 'p-old' })).toHaveProperty('issuedAt');
  });

  test('is not disconnected by their own renewal where IVS makes the tokens', async () => {
    await put('newest');
    await grant({ participant_id: 'p-old' });
    expect(await admit({ staying: 'p-old' })).toMatchObject({ refused: 'live_token', grant: 'grt_old', first: false });
    expect(await stateOf('grt_old')).toBe('released');
  });
});

describe('settle', () => {
  const made = { expiresAt: '2999-01-01T00:00:00Z', sessionExpiresAt: '2999-01-01T01:00:00Z', mint: 'ivs' };
  const settle = (id: string, participantId: string) =>
    sql.value('settle', {
      tenant: 'ten',
      callerKind: 'apiKey',
      credential: 'key',
      user: 'ann',
      space: 'spc',
      roleAsked: 'host',
      rolesClaimed: [],
      grants: [id],
      made: JSON.stringify([{ id, participantId, ...made }]),
      failed: [],
      pseudonym: 'p-ann',
      limits,
    });

  test('only the newest of two vends at a time ends with a token', async () => {
    await put('newest');
    await admit({ stageGrant: 'grt_a' });
    await admit({ stageGrant: 'grt_b' });
    expect(await settle('grt_a', 'p-a')).toEqual({ refused: 'replaced' });
    expect(await settle('grt_b', 'p-b')).toBeNull();
    expect([await stateOf('grt_a'), await stateOf('grt_b')]).toEqual(['refused', 'released']);
  });

  test('a token that IVS made for another participant than the one who exchanges does not leave', async () => {
    await put('newest');
    await sql.insert('signing_keys', { ...ten, id: 'sgk' });
    await grant({ mint: 'key-pair', participant_id: 'p-old' });
    await admit({ stageGrant: 'grt_a', staying: 'p-old' });
    expect(await settle('grt_a', 'p-of-ivs')).toEqual({ refused: 'replaced' });
    expect(await stateOf('grt_a')).toBe('refused');
    expect(await stateOf('grt_old')).toBe('released');
  });

  test('vends that end in a group end alone', async () => {
    await put('newest');
    await admit({ stageGrant: 'grt_a' });
    const one = {
      nth: 0,
      kind: 'apiKey',
      credential: 'key',
      space: 'spc',
      user: 'ann',
      pseudonym: 'p-ann',
      asked: 'host',
    };
    const request = { ...one, claimed: [], made: [{ id: 'grt_a', participantId: 'p-a', ...made }] };
    for (const requests of [[request], [request, { ...request, nth: 1, user: 'ben' }]]) {
      const [answer] = await sql.value<{ settled: number[]; left: [number, string][] }[]>('settle_groups', {
        groups: JSON.stringify([{ tenant: 'ten', requests }]),
      });
      expect(answer).toEqual({ settled: [], left: requests.map(({ nth }) => [nth, 'live_token']) });
    }
  });
});

test('vends of a user wait for each other, and those of a tenant without the setting do not', async () => {
  await put('off');
  await sql.commit();
  try {
    for (const [setting, waits] of [
      ['off', false],
      ['newest', true],
    ] as const) {
      await sql.query(`update tenants set one_live_token = $1`, [setting]);
      await sql.begin();
      await other.begin();
      // The end of a vend takes the lock too. It is not counted, so nothing else makes it wait.
      await sql.query(`select set_config('app.tenant_id', 'ten', true)`);
      await admit();
      const lock = () => other.call('lock_user', { tenant: 'ten', user: 'ann', exclusive: false });
      expect(await other.hasToWait(lock)).toBe(waits);
      await other.rollback();
      await sql.rollback();
    }
  } finally {
    await sql.begin();
    await sql.query(
      'delete from grants; delete from api_keys; delete from spaces; delete from roles; delete from tenants',
    );
    await sql.commit();
    await sql.begin();
  }
});

test('the group leaves a user with a live token to admit', async () => {
  await put('newest');
  await grant();
  const request = (nth: number, user: string) => ({
    nth,
    kind: 'apiKey',
    credential: 'key',
    caller: { kind: 'apiKey', id: 'key' },
    space: 'spc',
    user,
    pseudonym: `p-${user}`,
    asked: 'host',
    claimed: [],
    stage_grant: `grt_group${nth}`,
    chat_grant: null,
    participant: `participant-of-group${nth}`,
    staying: null,
    entry: `aud_group${nth}`,
    action: 'space.join',
    request: 'request',
  });
  const groups = (requests: object[]) =>
    sql.value<Row[]>('admit_groups', {
      groups: JSON.stringify([{ tenant: 'ten', requests }]),
      vendsPerMinute: 30,
      limits,
    });
  expect(await groups([request(0, 'ann')])).toEqual([{ left: 'live_token' }]);
  const [several] = await groups([request(0, 'ann'), request(1, 'ben')]);
  expect(several).toMatchObject({ left: [[0, 'live_token']], vends: [{ nth: 1 }] });
});

/** What the functions behind `admit` get first: the tenant and the space. */
const rows = `find_tenant('ten'), find_space('ten', 'spc')`;

describe('other_live_tokens', () => {
  const others = async (staying: string | null) =>
    (await sql.rowsOf('other_live_tokens', `${rows}, 'ann', true, false, $1, $2`, [staying, limits])).map(
      ({ id }) => id,
    );

  test('leaves out the token that its participant exchanges, and counts it if they cannot', async () => {
    await put('newest');
    await grant({ mint: 'key-pair', participant_id: 'p-old' });
    await chatGrant({ id: 'grt_chat' });
    expect([await others(null), await others('p-old')]).toEqual([['grt_old'], ['grt_old']]);
    await sql.insert('signing_keys', { ...ten, id: 'sgk' });
    expect([await others(null), await others('p-old'), await others('p-other')]).toEqual([
      ['grt_old'],
      [],
      ['grt_old'],
    ]);
  });
});

describe('refusal_by_live_token', () => {
  const refusal = (isDry: boolean) =>
    sql.valueOf<Row | null>('refusal_by_live_token', `${rows}, 'ann', 'p-ann', true, true, null, '{}', $1, $2`, [
      isDry,
      limits,
    ]);

  test('foretells that a vend would wait for a chat token, and only a dry decision needs that', async () => {
    await put('newest');
    await chatGrant({ expires_at: inSeconds(40) });
    expect(await refusal(false)).toBeNull();
    expect(await refusal(true)).toMatchObject({ refused: 'disconnecting', seconds: expect.closeTo(45, 0) });
    await sql.query(`update grants set expires_at = now() - interval '1 second'`);
    expect(await refusal(true)).toBeNull();
  });
});

describe('replace_live_tokens', () => {
  const replace = (role: string, decision: Row) =>
    sql.valueOf(
      'replace_live_tokens',
      `${rows}, find_role('ten', $1), 'ann', 'p-ann', $2, null, 'act_new', 'aud_new', 'request', $3`,
      [role, decision, limits],
    );

  test('takes only the kinds that are given, and none for somebody at the console', async () => {
    await put('newest');
    await grant();
    await chatGrant({ id: 'grt_chat', ...connected });
    expect(await replace('console:viewer', { stage: true, chat: true })).toBeNull();
    expect(await calls()).toEqual([]);
    expect(await replace('host', { stage: true, chat: false })).toBeNull();
    expect([await stateOf('grt_old'), await stateOf('grt_chat')]).toEqual(['watched', 'released']);
  });
});

describe('has_other_live_token', () => {
  const hasOther = (grants: string[]) =>
    sql.valueOf('has_other_live_token', `find_tenant('ten'), 'spc', 'ann', $1, $2`, [grants, limits]);

  test('counts tokens of the same kind for another participant, if the tenant has the setting', async () => {
    await put('newest');
    await grant({ participant_id: 'p-old' });
    await grant({ id: 'grt_same', participant_id: 'p-old' });
    await chatGrant({ id: 'grt_chat' });
    expect(await hasOther(['grt_old', 'grt_chat'])).toBe(false);
    await grant({ id: 'grt_other', participant_id: 'p-other' });
    expect(await hasOther(['grt_old', 'grt_chat'])).toBe(true);
    await sql.query(`update tenants set one_live_token = 'off'`);
    expect(await hasOther(['grt_old'])).toBe(false);
  });
});
