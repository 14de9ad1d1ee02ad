/** What an explanation decides, and that `admit` decides the same right after, whatever the state. */
import fc from 'fast-check';
import { limits } from '../../../src/limits.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

type Row = Record<string, unknown>;

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());

const vendsPerMinute = 3;

/** Mostly what lets somebody in, so that later checks are reached too. */
function mostly<T>(usual: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { arbitrary: fc.constant(usual), weight: 4 * others.length },
    ...others.map((other) => ({ arbitrary: fc.constant(other), weight: 1 })),
  );
}

const rank = fc.constantFrom(null, 5, 10, 20);
const call = fc.record({
  state: fc.constantFrom('pending', 'stuck', 'done'),
  next_at: fc.constantFrom(inSeconds(-1), inSeconds(60)),
  needed_until: mostly(inSeconds(3600), inSeconds(-1)),
  lands_until: mostly(inSeconds(-60), inSeconds(90)),
  target: mostly('ann', 'p-ann', 'ben'),
});
const act = fc.record({ kind: fc.constantFrom('user.disconnect', 'grants.revoke'), goesOn: fc.boolean() });
const grant = fc.record({
  user_id: fc.constantFrom('ann', 'ann', 'ben', 'cat'),
  kind: fc.constantFrom('stage', 'chat'),
  state: mostly('released', 'pending', 'refused', 'revoked'),
  issued_at: fc.constantFrom(inSeconds(-20), inSeconds(-70)),
  expires_at: fc.constantFrom(inSeconds(600), inSeconds(-1)),
});
const states = fc.record({
  key: mostly({}, { revoked_at: inSeconds(-1) }),
  tenant: fc.record({
    status: mostly('active', 'suspended'),
    ivs_user_ids: mostly('plain', 'pseudonym'),
    one_live_token: fc.constantFrom('off', 'newest', 'first'),
  }),
  space: fc.record({
    status: mostly('open', 'closed'),
    frozen_at: mostly<unknown>(null, inSeconds(-1)),
    capacity: mostly<number | null>(null, 0, 1, 2),
    stage_arn: mostly<string | null>('stage', null),
    room_arn: mostly<string | null>('room', null),
    default_role: mostly<string | null>('viewer', null),
  }),
  host: fc.record({
    rank: fc.constantFrom(0, 10, 20),
    moderator: fc.boolean(),
    stage_ttl_seconds: mostly<number | null>(600, null),
    chat_session_minutes: mostly<number | null>(60, null),
  }),
  member: fc.option(fc.record({ role: fc.constantFrom('host', 'viewer'), by_rank: rank })),
  bans: fc.array(
    fc.record({
      by_rank: rank,
      space_id: mostly<string | null>('spc', null),
      expires_at: mostly<unknown>(null, inSeconds(60), inSeconds(-1)),
      lifted_at: mostly<unknown>(null, inSeconds(-1)),
      call: fc.option(call),
      act,
    }),
    { maxLength: 2 },
  ),
  calls: fc.array(fc.record({ call, act }), { maxLength: 1 }),
  grants: fc.array(grant, { maxLength: 5 }),
  request: fc.record({
    role: mostly<string | null>(null, 'host', 'viewer', 'king'),
    claimed: mostly<string[]>([], ['host'], ['king'], ['viewer', 'host']),
    stage: mostly(true, false),
    chat: mostly(true, false),
    staying: mostly<string | null>(null, 'participant_of_ann'),
  }),
});
type State = typeof states extends fc.Arbitrary<infer T> ? T : never;

async function put(state: State): Promise<void> {
  const tenant = { tenant_id: 'ten' };
  await sql.insert('tenants', { id: 'ten', ...state.tenant });
  await sql.insert('roles', { ...tenant, name: 'host', ...state.host });
  await sql.insert('roles', { ...tenant, name: 'viewer' });
  await sql.insert('spaces', { ...tenant, id: 'spc', ...state.space });
  await sql.insert('api_keys', { ...tenant, id: 'key', ...state.key });
  if (state.member) await sql.insert('members', { ...tenant, space_id: 'spc', ...state.member });
  for (const grant of state.grants) await sql.insert('grants', { ...tenant, space_id: 'spc', ...grant });
  for (const { call, act, ...ban } of state.bans) {
    const { id } = await sql.insert('bans', { ...tenant, ...ban });
    await putAct({ ...tenant, kind: 'ban', ban_id: id }, act.goesOn, call);
  }
  for (const { call, act } of state.calls) await putAct({ ...tenant, kind: act.kind }, act.goesOn, call);
}

async function putAct(row: Row, goesOn: boolean, call: Row | null): Promise<void> {
  const { id } = await sql.insert('actions', { user_id: 'ann', space_id: 'spc', ...row });
  if (goesOn) await sql.insert('unfinished_actions', { tenant_id: 'ten', action_id: id });
  if (!call) return;
  const place = { tenant_id: 'ten', action_id: id, space_id: 'spc', operation: 'DisconnectUser', arn: 'room' };
  await sql.insert('deliveries', { ...place, ...call });
}

/** What `admit` and `explain_admission` are asked. */
function asked({ role, claimed }: Pick<State['request'], 'role' | 'claimed'>) {
  return {
    tenant: 'ten',
    callerKind: 'apiKey',
    credential: 'key',
    space: 'spc',
    user: 'ann',
    pseudonym: 'p-ann',
    roleAsked: role,
    rolesClaimed: claimed,
    vendsPerMinute,
    limits,
  };
}

/**
 * What `admit` answers in the end. It is called again after a ban that does not bind the user has ended, and after the calls
 * that it waits for are over.
 */
async function admit({ stage, chat, staying, ...request }: State['request']): Promise<Row> {
  for (let nth = 0; ; nth++) {
    const answer = await sql.value<Row>('admit', {
      ...asked(request),
      caller: { kind: 'apiKey', id: 'key' },
      stageGrant: stage ? 'grt_stage' : null,
      chatGrant: chat ? 'grt_chat' : null,
      participant: 'participant',
      staying,
      auditEntry: 'aud',
      outrankedEntry: 'aud_outranked',
      auditAction: 'space.join',
      request: 'request',
      olderAction: `act_older_${nth}`,
      olderEntry: `aud_older_${nth}`,
      repeats: [],
    });
    if (answer['refused'] === 'disconnecting' && (answer['seconds'] as number) <= limits.disconnectWaitSeconds) {
      await sql.query('delete from deliveries');
      await sql.query('delete from unfinished_actions');
      continue;
    }
    if (answer['refused'] !== 'outranks') return answer;
    const ban = [answer['ban']];
    await sql.query(`update bans set lifted_at = clock_timestamp() where id = $1`, ban);
    for (const table of ['deliveries', 'unfinished_actions']) {
      await sql.query(`delete from ${table} where action_id in (select id from actions where ban_id = $1)`, ban);
    }
  }
}

/** A user of rank 20 whom a ban by rank 5 does not bind, whose calls are open, and who has a kick that IVS refuses. */
const outranking: State = {
  key: {},
  tenant: { status: 'active', ivs_user_ids: 'plain', one_live_token: 'off' },
  space: {
    status: 'open',
    frozen_at: null,
    capacity: null,
    stage_arn: 'stage',
    room_arn: 'room',
    default_role: null,
  },
  host: { rank: 20, moderator: true, stage_ttl_seconds: 600, chat_session_minutes: 60 },
  member: null,
  bans: [],
  calls: [],
  grants: [],
  request: { role: null, claimed: ['host'], stage: true, chat: true, staying: null },
};
const laterCall = {
  state: 'stuck' as 'stuck' | 'pending',
  next_at: inSeconds(60),
  needed_until: inSeconds(3600),
  lands_until: inSeconds(-60),
  target: 'ann',
};
const kick = { kind: 'user.disconnect' as const, goesOn: false };
const recent = { issued_at: inSeconds(-20), expires_at: inSeconds(600) };
const examples: [State][] = [
  [outranking],
  [{ ...outranking, calls: [{ call: laterCall, act: kick }] }],
  [{ ...outranking, calls: [{ call: { ...laterCall, state: 'pending' }, act: kick }] }],
  [{ ...outranking, calls: [{ call: { ...laterCall, state: 'pending', next_at: inSeconds(-1) }, act: kick }] }],
  [
    {
      ...outranking,
      bans: [
        {
          by_rank: 5,
          space_id: 'spc',
          expires_at: null,
          lifted_at: null,
          call: laterCall,
          act: { ...kick, goesOn: true },
        },
      ],
    },
  ],
];

describe('explain_admission', () => {
  test('decides as admit decides, and changes nothing', async () => {
    const decides = fc.asyncProperty(states, async (state) => {
      // A chat token is revoked before the vend, so another user may take the place (docs/decisions/0060).
      fc.pre(state.tenant.one_live_token !== 'newest' || state.space.capacity === null);
      await sql.begin();
      try {
        await put(state);
        const before = await everything();
        const { stage, chat, staying, ...request } = state.request;
        const { decision } = await sql.value<{ decision: Row }>('explain_admission', {
          ...asked(request),
          stage,
          chat,
          staying,
        });
        expect(await everything()).toEqual(before);
        expect(comparable(decision)).toEqual(comparable(await admit(state.request)));
      } finally {
        await sql.rollback();
      }
    });
    await fc.assert(decides, { numRuns: 150, examples });
  });

  test('knows no space of another tenant, and none that is not there', async () => {
    await sql.begin();
    await put(outranking);
    await sql.insert('tenants', { id: 'ten_other' });
    await sql.insert('spaces', { tenant_id: 'ten_other', id: 'spc_other' });
    for (const space of ['spc_other', 'spc_none']) {
      const request = { ...asked(outranking.request), space, stage: true, chat: true, staying: null };
      expect(await sql.value('explain_admission', request)).toBeNull();
    }
    await sql.rollback();
  });
});

describe('admission_facts', () => {
  test('tells what the checks look at', async () => {
    await sql.begin();
    await put({
      ...outranking,
      space: { ...outranking.space, capacity: 2, default_role: 'viewer' },
      member: { role: 'viewer', by_rank: 20 },
      grants: [
        { user_id: 'ben', kind: 'chat', state: 'released', ...recent },
        { user_id: 'ann', kind: 'chat', state: 'released', ...recent },
      ],
    });
    await sql.insert('bans', { tenant_id: 'ten', id: 'ban_key' });
    await sql.insert('bans', { tenant_id: 'ten', id: 'ban_mod', by_rank: 20, space_id: 'spc' });
    await sql.insert('signing_keys', { tenant_id: 'ten', id: 'sgk', state: 'active' });
    const facts = await sql.valueOf(
      'admission_facts',
      `find_space('ten', 'spc'), find_role('ten', 'host'), 'ann', 'host', '{king,host}', $1, 'p-ann'`,
      [limits],
    );
    expect(facts).toEqual({
      space: {
        defaultRole: 'viewer',
        isFrozen: false,
        capacity: 2,
        users: 1,
        hasPlace: true,
        hasStage: true,
        hasRoom: true,
      },
      role: {
        name: 'host',
        rank: 20,
        moderator: true,
        attributes: {},
        clientAttributes: [],
        stageCapabilities: ['PUBLISH', 'SUBSCRIBE'],
        ttlSeconds: 600,
        chatCapabilities: ['SEND_MESSAGE'],
        sessionMinutes: 60,
      },
      member: { role: 'viewer', byRank: 20, binds: false },
      claimed: 'host',
      roles: ['host', 'viewer'],
      ban: { id: 'ban_key', isOfTenant: true },
      outrankedBans: ['ban_mod'],
      mint: 'key-pair',
    });
    await sql.rollback();
  });
});

describe('decide_admission', () => {
  const decide = (isDry: boolean) =>
    sql.valueOf<Row>(
      'decide_admission',
      `find_tenant('ten'), find_space('ten', 'spc'), find_role('ten', 'host'), 'ann', 'p-ann', 'host', 'apiKey', 'key',
       true, true, ${vendsPerMinute}, $1, $2, null, '{}'`,
      [isDry, limits],
    );

  test('waits for another vend of the user only if it is one', async () => {
    const other = await sql.another();
    await put(outranking); // for the other connection to see
    await sql.begin();
    await other.begin();
    expect(await decide(false)).toEqual({ stage: true, chat: true, used: 0, seconds: null });
    const lock = { tenant: 'ten', user: 'ann', stage: true, chat: true, most: 3, isDry: false };
    expect(await other.hasToWait(() => other.call('vends_in_last_minute', lock))).toBe(true);
    expect(await other.hasToWait(() => other.call('vends_in_last_minute', { ...lock, isDry: true }))).toBe(false);
    await sql.rollback();
    await sql.begin();
    expect(await decide(true)).toEqual({ stage: true, chat: true, used: 0, seconds: null });
    expect(await other.hasToWait(() => other.call('vends_in_last_minute', lock))).toBe(false);
    await sql.rollback();
    await other.rollback();
    await other.stop();
  });
});

/** All rows that a vend could change. */
async function everything(): Promise<Row[]> {
  const tables = ['grants', 'bans', 'members', 'deliveries', 'unfinished_actions', 'audit', 'unsealed_groups'];
  return await sql.query(tables.map((table) => `select to_jsonb(t) as row from ${table} as t`).join(' union all '));
}

/** The part of an answer that does not depend on the moment. */
function comparable(answer: Row): Row {
  if ('refused' in answer) {
    const { seconds, retryAfterSeconds, ...rest } = answer;
    return { ...rest, later: ((seconds ?? retryAfterSeconds ?? 0) as number) > 5 };
  }
  const used = answer['used'] as number;
  const isAnswer = 'tenant' in answer;
  return { stage: Boolean(answer['stage']), chat: Boolean(answer['chat']), used: isAnswer ? used - 1 : used };
}
