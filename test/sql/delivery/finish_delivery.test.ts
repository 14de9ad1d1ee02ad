/** `finish_delivery`, as a table: how a call went, and what follows for the delivery, the grants and the action. */
import { limits } from '../../../src/limits.ts';
import {
  grantStates,
  holds,
  hours,
  inHours,
  insertDelivery,
  insertGrant,
  insertHold,
  insertTwoTenants,
  list,
} from '../../support/moderation-rows.ts';
import { SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
  await insertTwoTenants(sql);
  await sql.insert('actions', { tenant_id: 'ten', id: 'act_loud', kind: 'space.freeze', requested_at: inHours(-2) });
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

const outcome = {
  tenant: 'ten',
  attempt: 2 as number | null,
  state: 'done',
  error: null as string | null,
  retrySeconds: null as number | null,
  landsSeconds: 0,
  limits,
};

async function finish(id: string, changed: Partial<typeof outcome> = {}) {
  return await sql.value<{ kind: string; seconds: number } | null>('finish_delivery', { id, ...outcome, ...changed });
}

/** A delivery that is on its way for the second time. */
const underWay = (row: Row = {}) =>
  insertDelivery(sql, { action_id: 'act_loud', attempts: 2, leased_until: inHours(1), next_at: inHours(-1), ...row });

async function delivery(id: string): Promise<Row | undefined> {
  const [row] = await sql.query(
    `select state, last_error, ${hours('next_at')} as next, ${hours('done_at')} as done, attempts,
            leased_until = 'epoch' as is_free from deliveries where id = $1`,
    [id],
  );
  return row;
}

const untouched = { state: 'pending', last_error: null, next: -1, done: null, attempts: 2, is_free: false };
const silencedAt = () => list(sql, `select ${hours('silenced_at')} from actions where id = 'act_loud'`);

describe('finish_delivery', () => {
  test.each<[string, Partial<typeof outcome>, Row]>([
    ['was made', {}, { state: 'done', done: 0 }],
    ['found nobody', { state: 'not_connected' }, { state: 'not_connected', done: 0 }],
    ['is not needed any more', { state: 'expired', error: 'over' }, { state: 'expired', last_error: 'over', done: 0 }],
    [
      'failed and is tried again later',
      { state: 'pending', error: 'throttled', retrySeconds: 7200 },
      { last_error: 'throttled', next: 2 },
    ],
    [
      'was refused by IVS and is tried again later',
      { state: 'stuck', error: 'denied', retrySeconds: 7200 },
      { state: 'stuck', last_error: 'denied', next: 2 },
    ],
    ['failed and is tried again at once', { state: 'pending', retrySeconds: 0 }, { next: 0 }],
  ])('notes that the call %s', async (_, how, noted) => {
    const id = await underWay();
    await finish(id, how);
    expect(await delivery(id)).toEqual({ ...untouched, is_free: true, ...noted });
  });

  test.each<[string, Row, number, number]>([
    ['a call with an answer', {}, 0, -1],
    ['a call without an answer', {}, 7200, 2],
    ['a call with an answer, after one without', { lands_until: inHours(1) }, 0, 1],
    ['a call without an answer, after one that may land later', { lands_until: inHours(3) }, 7200, 3],
  ])('notes until when IVS may carry out %s', async (_, row, landsSeconds, lands) => {
    const id = await underWay(row);
    await finish(id, { state: 'pending', retrySeconds: 0, landsSeconds });
    expect(await list(sql, `select greatest(${hours('lands_until')}, -1) from deliveries`)).toEqual([lands]);
  });

  test('notes the outcome of a delivery that was stuck', async () => {
    const id = await underWay({ state: 'stuck', last_error: 'denied' });
    await finish(id);
    expect(await delivery(id)).toMatchObject({ state: 'done', last_error: null, done: 0 });
  });

  test.each<[string, Row, Partial<typeof outcome>]>([
    ['another replica has leased it since', { attempts: 3 }, {}],
    ['the attempt is not told', {}, { attempt: null }],
    ['it was cancelled', { state: 'expired' }, {}],
    ['it was done', { state: 'done' }, {}],
    ['it is asked for in another tenant', {}, { tenant: 'ten_other' }],
  ])('changes nothing if %s', async (_, row, how) => {
    await insertGrant(sql, { id: 'grt', mint: 'ivs' });
    const id = await underWay({ ...row, grant_id: 'grt' });
    const before = await delivery(id);
    expect(await finish(id, how)).toBeNull();
    expect(await delivery(id)).toEqual(before);
    expect(await grantStates(sql)).toEqual({ grt: 'released' });
    expect(await silencedAt()).toEqual([null]);
  });

  test('changes nothing for a delivery that is not there', async () => {
    expect(await finish('999999')).toBeNull();
  });

  test('changes no other delivery', async () => {
    const id = await underWay();
    const beside = await underWay({ target: 'beside' });
    await finish(id);
    expect(await delivery(beside)).toEqual(untouched);
  });

  test('enters the tenant by itself, so that the service may call it from outside', async () => {
    const id = await underWay();
    await sql.become('stagedoor_test_service');
    expect(await finish(id)).not.toBeNull();
  });
});

describe('finish_delivery of DisconnectParticipant', () => {
  test.each<[string, Row, Partial<typeof outcome>, string]>([
    ['revokes a token of IVS that was released', {}, {}, 'revoked'],
    ['revokes a token of IVS that is watched', { state: 'watched' }, {}, 'revoked'],
    ['does not revoke a token that Stagedoor signed', { state: 'watched', mint: 'key-pair' }, {}, 'watched'],
    ['leaves a token that was never handed out', { state: 'refused' }, {}, 'refused'],
    ['does not revoke it if nobody was connected', {}, { state: 'not_connected' }, 'released'],
    ['does not revoke it if the call is over without success', {}, { state: 'expired' }, 'released'],
    ['does not revoke it if the call is tried again', {}, { state: 'pending', retrySeconds: 1 }, 'released'],
  ])('%s', async (_, grant, how, state) => {
    await insertGrant(sql, { id: 'grt', mint: 'ivs', ...grant });
    await insertGrant(sql, { id: 'grt_beside', mint: 'ivs' });
    await insertGrant(sql, { id: 'grt', mint: 'ivs', tenant_id: 'ten_other' });
    await finish(await underWay({ grant_id: 'grt' }), how);
    expect(await grantStates(sql)).toEqual({ grt: state, grt_beside: 'released' });
    expect(await grantStates(sql, 'ten_other')).toEqual({ grt: 'released' });
  });

  test('revokes nothing if the participant came in without a grant', async () => {
    await insertGrant(sql, { id: 'grt', mint: 'ivs' });
    await finish(await underWay({ grant_id: null }));
    expect(await grantStates(sql)).toEqual({ grt: 'released' });
  });

  test('leaves the holds: a look at the stage ends them', async () => {
    await insertHold(sql, { action_id: 'act_loud', expires_at: inHours(-1) }, { mint: 'ivs' });
    await finish(await underWay({ grant_id: 'grt' }));
    expect(await holds(sql)).toEqual(['grt act_loud gone']);
  });
});

describe('finish_delivery of DisconnectUser', () => {
  const disconnectUser = {
    operation: 'DisconnectUser',
    target: 'p-ann',
    parameters: { userId: 'ann' },
    grant_id: null,
  };
  const used = { action_id: 'act_loud', kind: 'chat', ivs_user_id: 'p-ann', expires_at: inHours(-1) };

  test.each<[string, Row, Partial<typeof outcome>, boolean]>([
    ['ends the hold of a chat token that was used', {}, {}, true],
    ['ends it also if nobody was connected', {}, { state: 'not_connected' }, true],
    ['leaves it if the call is over without success', {}, { state: 'expired' }, false],
    ['leaves it if the call is tried again', {}, { state: 'stuck', retrySeconds: 1 }, false],
    ['leaves a token that can still connect', { expires_at: inHours(1) }, {}, false],
    ['leaves the token of another user at IVS', { ivs_user_id: 'p-ben' }, {}, false],
    ['leaves a token for another space', { space_id: 'spc_beside' }, {}, false],
    ['leaves a stage token', { kind: 'stage' }, {}, false],
    ['leaves a token that another action holds', { action_id: 'act_beside' }, {}, false],
  ])('%s', async (_, hold, how, ends) => {
    await insertHold(sql, { ...used, ...hold });
    await finish(await underWay(disconnectUser), how);
    expect(await holds(sql)).toHaveLength(ends ? 0 : 1);
    expect(await grantStates(sql)).toEqual({ grt: ends ? 'revoked' : 'watched' });
  });

  test('leaves the tokens of another user of Stagedoor', async () => {
    await insertHold(sql, used, { user_id: 'ben' });
    await finish(await underWay(disconnectUser));
    expect(await holds(sql)).toHaveLength(1);
  });
});

describe('finish_delivery of another call', () => {
  test.each([
    ['DeleteMessage', { userId: 'ann' }],
    ['SendEvent', { userId: 'ann' }],
  ])('%s revokes nothing', async (operation, parameters) => {
    const used = { action_id: 'act_loud', kind: 'chat', ivs_user_id: 'p-ann', expires_at: inHours(-1) };
    await insertHold(sql, used, { mint: 'ivs' });
    await finish(await underWay({ operation, parameters, target: 'p-ann', grant_id: 'grt' }));
    expect(await grantStates(sql)).toEqual({ grt: 'watched' });
    expect(await holds(sql)).toHaveLength(1);
  });
});

describe('finish_delivery, about the silence of the action,', () => {
  test.each<[string, Row[], Partial<typeof outcome>, boolean]>([
    ['tells of the last call', [], {}, true],
    ['tells of the last call that found nobody', [], { state: 'not_connected' }, true],
    ['tells of the last call that expired', [], { state: 'expired' }, true],
    ['tells of the last call beside a follow-up', [{ follow_up: true }], {}, true],
    ['tells of the last call beside calls of other actions', [{ action_id: 'act' }], {}, true],
    ['says nothing while another call is open', [{}], {}, false],
    ['says nothing while another call is stuck', [{ state: 'stuck' }], {}, false],
    ['says nothing if the call is tried again', [], { state: 'pending', retrySeconds: 1 }, false],
  ])('%s', async (_, beside, how, tells) => {
    for (const row of beside) await underWay({ target: 'beside', ...row });
    const said = await finish(await underWay(), how);
    expect(said).toEqual(tells ? { kind: 'space.freeze', seconds: expect.any(Number) } : null);
    if (said) expect(Math.round(said.seconds / 3600)).toBe(2);
    expect(await silencedAt()).toEqual([tells ? 0 : null]);
  });

  test('says nothing of a follow-up, which comes when the action was silent already', async () => {
    expect(await finish(await underWay({ follow_up: true }))).toBeNull();
    expect(await silencedAt()).toEqual([null]);
  });

  test('says nothing while the action has grants left to act on', async () => {
    await sql.insert('unfinished_actions', { tenant_id: 'ten', action_id: 'act_loud' });
    expect(await finish(await underWay())).toBeNull();
    expect(await silencedAt()).toEqual([null]);
  });

  test('tells it once', async () => {
    await sql.query(`update actions set silenced_at = now() - interval '5 hours' where id = 'act_loud'`);
    expect(await finish(await underWay())).toBeNull();
    expect(await silencedAt()).toEqual([0]);
  });
});
