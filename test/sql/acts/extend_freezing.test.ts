/** `extend_freezing` and `extend_freezings`: whom a freezing has spared, who is no moderator any more, and what follows. */
import { limits } from '../../../src/limits.ts';
import {
  deliveries,
  grantStates,
  holds,
  inHours,
  insertDelivery,
  insertGrant,
  insertHold,
  insertTwoTenants,
  list,
} from '../../support/moderation-rows.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
  await insertTwoTenants(sql);
  for (const tenant of ['ten', 'ten_other']) {
    for (const name of ['host', 'guard', 'speaker']) {
      await sql.insert('roles', { tenant_id: tenant, name, moderator: name !== 'speaker' });
    }
  }
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  await sql.query(`update spaces set frozen_at = now() where id = 'spc'`);
  for (const tenant of ['ten', 'ten_other']) {
    await sql.insert('actions', { tenant_id: tenant, id: 'act_freeze', kind: 'space.freeze', space_id: 'spc' });
  }
});
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

const extend = (user: string | null = 'ann') =>
  sql.value<string | null>('extend_freezing', { tenant: 'ten', space: 'spc', user, limits });

const host = { id: 'grt', role: 'host', participant_id: 'part', capabilities: ['PUBLISH', 'SUBSCRIBE'] };

/** A moderator's grant, and a change of the role of its user since. */
async function demotedHost(role: string, grant: Row = {}): Promise<void> {
  await insertGrant(sql, { ...host, ...grant });
  await sql.insert('members', { tenant_id: 'ten', space_id: 'spc', role });
  await sql.insert('actions', {
    tenant_id: 'ten',
    id: 'act_change',
    kind: 'role.change',
    space_id: 'spc',
    user_id: 'ann',
  });
}

describe('extend_freezing', () => {
  test('acts by the freezing on the grants of a user who moderates no more', async () => {
    await demotedHost('speaker');
    expect(await extend()).toBe('act_freeze');
    expect(await deliveries(sql)).toEqual(['DisconnectParticipant part']);
    expect(await holds(sql)).toEqual(['grt act_freeze gone']);
    expect(await grantStates(sql)).toEqual({ grt: 'watched' });
    // Once is enough.
    expect(await extend()).toBeNull();
    expect(await deliveries(sql)).toHaveLength(1);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['a user who still moderates', () => demotedHost('guard')],
    ['a user who only watches', () => demotedHost('speaker', { capabilities: ['SUBSCRIBE'] })],
    ['another user', () => demotedHost('speaker', { user_id: 'ben' })],
    [
      'a space that is not frozen',
      async () => (await demotedHost('speaker'), await sql.query('update spaces set frozen_at = null')),
    ],
    [
      'a space that is deleted',
      async () => (await demotedHost('speaker'), await sql.query('update spaces set deleted_at = now()')),
    ],
    [
      'a grant that the freezing holds already',
      async () => {
        await insertHold(sql, { action_id: 'act_freeze' }, { ...host, role: 'speaker' });
        await sql.insert('members', { tenant_id: 'ten', space_id: 'spc', role: 'speaker' });
      },
    ],
    [
      'a grant that the freezing has not treated yet',
      async () => {
        await demotedHost('speaker');
        await sql.insert('unfinished_actions', { tenant_id: 'ten', action_id: 'act_freeze', grants: ['grt'] });
      },
    ],
  ])('leaves %s', async (_, arrange) => {
    await arrange();
    expect(await extend()).toBeNull();
    expect(await deliveries(sql)).toEqual([]);
  });

  test.each([
    ['speaker', 'refused'],
    ['guard', 'pending'],
  ])('of a user who is %s now, a token that is being made becomes %s', async (role, state) => {
    await demotedHost(role, { state: 'pending' });
    await extend();
    expect(await grantStates(sql)).toEqual({ grt: state });
  });

  test('acts on everybody whose role moderates no more, and refuses their tokens that are being made', async () => {
    await insertGrant(sql, host);
    await insertGrant(sql, { ...host, id: 'grt_2', user_id: 'ben', participant_id: 'part_2', state: 'pending' });
    await insertGrant(sql, { ...host, id: 'grt_3', role: 'guard', participant_id: 'part_3' });
    await sql.query(`update roles set moderator = false where name = 'host'`);
    expect(await extend(null)).toBe('act_freeze');
    expect(await deliveries(sql)).toEqual(['DisconnectParticipant part']);
    expect(await grantStates(sql)).toEqual({ grt: 'watched', grt_2: 'refused', grt_3: 'released' });
  });

  test('adds to the grants that a large freezing has still to treat', async () => {
    await sql.insert('unfinished_actions', { tenant_id: 'ten', action_id: 'act_freeze', grants: ['grt_rest'] });
    for (const id of ['grt_1', 'grt_2']) await insertGrant(sql, { ...host, id, participant_id: id });
    await sql.query(`update roles set moderator = false where name = 'host'`);
    await sql.call('extend_freezing', {
      tenant: 'ten',
      space: 'spc',
      user: null,
      limits: { ...limits, grantsAtOnce: 1 },
    });
    const [rest] = await list(sql, 'select grants from unfinished_actions');
    expect(rest).toHaveLength(2);
    expect(rest).toContain('grt_rest');
  });
});

describe('extend_freezings', () => {
  test('acts in every frozen space of the tenant, and in no other', async () => {
    await insertGrant(sql, host);
    await insertGrant(sql, { ...host, id: 'grt_beside', space_id: 'spc_beside', participant_id: 'beside' });
    await insertGrant(sql, { ...host, id: 'grt_other', tenant_id: 'ten_other', participant_id: 'other' });
    await sql.query(`update roles set moderator = false where name = 'host'`);
    await sql.call('extend_freezings', { tenant: 'ten', limits });
    expect(await list(sql, 'select target from deliveries')).toEqual(['part']);
  });

  test('leaves a freezing whose calls are open as it is, if nobody is to be added', async () => {
    await insertDelivery(sql, { action_id: 'act_freeze', next_at: inHours(1), needed_until: inSeconds(7200) });
    await sql.call('extend_freezings', { tenant: 'ten', limits });
    expect(await deliveries(sql)).toHaveLength(1);
  });
});
