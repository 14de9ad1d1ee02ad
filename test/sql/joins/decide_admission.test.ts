/** `decide_admission` without doing anything decides as `admit` does right after, whatever the state. */
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
});
const states = fc.record({
  key: mostly({}, { revoked_at: inSeconds(-1) }),
  tenant: fc.record({ status: mostly('active', 'suspended'), ivs_user_ids: mostly('plain', 'pseudonym') }),
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
    stage: mostly(true, false),
    chat: mostly(true, false),
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

/** What `admit` answers in the end: it is called again after a ban that does not bind the user has ended. */
async function admit({ role, stage, chat }: State['request']): Promise<Row> {
  for (;;) {
    const answer = await sql.value<Row>('admit', {
      tenant: 'ten',
      callerKind: 'apiKey',
      credential: 'key',
      caller: { kind: 'apiKey', id: 'key' },
      space: 'spc',
      user: 'ann',
      pseudonym: 'p-ann',
      roleAsked: role,
      rolesClaimed: [],
      stageGrant: stage ? 'grt_stage' : null,
      chatGrant: chat ? 'grt_chat' : null,
      participant: 'participant',
      auditEntry: 'aud',
      outrankedEntry: 'aud_outranked',
      auditAction: 'space.join',
      request: 'request',
      vendsPerMinute,
      limits,
    });
    if (answer['refused'] !== 'outranks') return answer;
    const ban = [answer['ban']];
    await sql.query(`update bans set lifted_at = clock_timestamp() where id = $1`, ban);
    for (const table of ['deliveries', 'unfinished_actions']) {
      await sql.query(`delete from ${table} where action_id in (select id from actions where ban_id = $1)`, ban);
    }
  }
}

describe('decide_admission', () => {
  test('decides without doing anything as admit decides', async () => {
    const outcomes = new Set<unknown>();
    const decides = fc.asyncProperty(states, async (state) => {
      await sql.begin();
      try {
        await put(state);
        const { role, stage, chat } = state.request;
        const own = `coalesce($1, role_name_in_space('ten', 'spc', 'ann', null, null))`;
        const before = await everything();
        const decided = await sql.valueOf<Row>(
          'decide_admission',
          `find_tenant('ten'), find_space('ten', 'spc'),
           find_role('ten', coalesce(${own}, (find_space('ten', 'spc')).default_role)), 'ann', 'p-ann', ${own},
           'apiKey', 'key', $2, $3, ${vendsPerMinute}, true, $4`,
          [role, stage, chat, limits],
        );
        expect(await everything()).toEqual(before);
        const answer = await admit(state.request);
        outcomes.add(answer['refused'] ?? 'admitted');
        expect(comparable(decided)).toEqual(comparable(answer));
      } finally {
        await sql.rollback();
      }
    });
    await fc.assert(decides, { numRuns: 100 });
    expect(outcomes.size).toBeGreaterThan(4);
  });
});

/** All rows that a vend could change. */
async function everything(): Promise<Row[]> {
  const tables = ['grants', 'bans', 'members', 'deliveries', 'unfinished_actions', 'audit'];
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
