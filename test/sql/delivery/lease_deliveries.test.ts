/** `lease_deliveries`, as a table: what is due, what is asked for, and who gets how much. */
import {
  hours,
  inHours,
  insertDelivery,
  insertTwoTenants,
  list,
  refuseToWait,
  waitsFor,
} from '../../support/moderation-rows.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;
let other: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
  other = await sql.another();
  await insertTwoTenants(sql);
});
afterAll(async () => {
  await other.stop();
  await sql.stop();
});
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

const stage = 'DisconnectParticipant';
const room = 'DisconnectUser';

/** Rates of none: only what is saved up can be leased, and nothing comes in while the test runs. */
const rates = (burst: number, more: Row = {}) => ({
  [stage]: { rate: 0, burst },
  [room]: { rate: 0, burst },
  ...more,
});

const request = {
  tenant: null as string | null,
  action: null as string | null,
  limit: 100,
  lease: '2 hours',
  lands: '3 hours',
  rates: rates(100) as object,
  expire: 100,
};
const ofAct = { tenant: 'ten', action: 'act' };

const lease = async (changed: Partial<typeof request> = {}, session = sql) =>
  await session.call('lease_deliveries', { ...request, ...changed });
/** Whom the leased calls are about, in alphabetical order: a lease has no order. */
const leased = async (changed: Partial<typeof request> = {}, session = sql) =>
  (await lease(changed, session)).map((row) => String(row['target'])).sort();

/** Deliveries that became due one after the other, an hour apart; the first is the longest due. */
async function due(targets: string[], row: Row = {}): Promise<void> {
  for (const [nth, target] of targets.entries()) {
    await insertDelivery(sql, { target, next_at: inHours(nth - 100), ...row });
  }
}

const others = { tenant_id: 'ten_other' };

describe('lease_deliveries', () => {
  test('leases nothing if there is nothing', async () => {
    expect(await lease()).toEqual([]);
    expect(await lease(ofAct)).toEqual([]);
  });

  test('leases none that is not needed any more, also if there are more of them than a lease ends', async () => {
    for (const target of ['a', 'b', 'c']) await insertDelivery(sql, { target, needed_until: inHours(-1) });
    await due(['needed']);
    expect(await leased({ ...ofAct, expire: 0 })).toEqual(['needed']);
    expect(await leased({ expire: 2 })).toEqual([]);
    expect(await list(sql, `select state from deliveries order by 1`)).toEqual([
      'expired',
      'expired',
      'pending',
      'pending',
    ]);
  });

  test.each<[string, Row, boolean]>([
    ['that is due', {}, true],
    ['that IVS refused and that is due again', { state: 'stuck' }, true],
    ['whose lease has run out', { leased_until: inSeconds(-0.01) }, true],
    ['that was tried before', { attempts: 7 }, true],
    ['that is due later', { next_at: inHours(1) }, false],
    ['that a replica has leased', { leased_until: inHours(1) }, false],
    ['that was made', { state: 'done' }, false],
    ['that found nobody', { state: 'not_connected' }, false],
    ['that has expired', { state: 'expired' }, false],
    ['that nobody needs any more', { needed_until: inHours(-1) }, false],
  ])('says whether it leases a delivery %s', async (_, row, isLeased) => {
    await insertDelivery(sql, { target: 'it', ...row });
    expect(await leased()).toEqual(isLeased ? ['it'] : []);
  });

  test('ends the deliveries that nobody needs any more', async () => {
    await insertDelivery(sql, { needed_until: inHours(-1) });
    await lease();
    expect(await list(sql, 'select state from deliveries')).toEqual(['expired']);
  });

  test('returns what the call needs, and notes the lease and the attempt', async () => {
    await sql.insert('tenants', { id: 'ten_own', region: 'eu-west-1', aws_role_arn: 'role', aws_external_id: 'ext' });
    await sql.insert('spaces', { tenant_id: 'ten_own', id: 'spc' });
    await sql.insert('actions', { tenant_id: 'ten_own', id: 'act_own' });
    const id = await insertDelivery(sql, {
      tenant_id: 'ten_own',
      action_id: 'act_own',
      account: 'role eu-west-1',
      operation: room,
      arn: 'room',
      target: 'p-ann',
      parameters: { userId: 'ann' },
      attempts: 3,
    });
    expect(await lease()).toEqual([
      {
        tenant_id: 'ten_own',
        id,
        action_id: 'act_own',
        operation: room,
        arn: 'room',
        target: 'p-ann',
        parameters: { userId: 'ann' },
        attempts: 4,
        region: 'eu-west-1',
        aws_role_arn: 'role',
        aws_external_id: 'ext',
      },
    ]);
    expect(await sql.query(`select attempts, state, ${hours('leased_until')} as leased from deliveries`)).toEqual([
      { attempts: 4, state: 'pending', leased: 2 },
    ]);
  });

  test('leases a delivery once', async () => {
    await due(['a']);
    expect(await leased()).toEqual(['a']);
    expect(await leased()).toEqual([]);
  });

  test('leases to the service, of all tenants', async () => {
    await due(['a']);
    await due(['b'], others);
    await sql.become('stagedoor_test_service');
    expect(await leased()).toEqual(['a', 'b']);
  });
});

describe('lease_deliveries for one action', () => {
  test('leases nothing of other actions and other tenants', async () => {
    await due(['mine']);
    await due(['beside'], { action_id: 'act_beside' });
    await due(['foreign'], others);
    expect(await leased(ofAct)).toEqual(['mine']);
  });

  test('leases nothing if the action is of another tenant', async () => {
    await due(['mine']);
    expect(await leased({ tenant: 'ten_other', action: 'act' })).toEqual([]);
  });

  test.each<[string, number, Row, string[]]>([
    ['all, if others need nothing', 0, {}, ['a', 'b', 'c', 'd']],
    ['what two others leave', 2, {}, ['a', 'b', 'c']],
    ['nothing, if others need all', 5, {}, []],
    ['nothing, if others need more than there are', 7, {}, []],
    ['all, if the calls of others are not due yet', 5, { next_at: inHours(1) }, ['a', 'b', 'c', 'd']],
    ['all, if the calls of others are leased', 5, { leased_until: inHours(1) }, ['a', 'b', 'c', 'd']],
    ['all, if the calls of others were made', 5, { state: 'done' }, ['a', 'b', 'c', 'd']],
    ['all, if others need another operation', 5, { operation: room }, ['a', 'b', 'c', 'd']],
    ['all, if others have another account', 5, { account: 'role us-east-1' }, ['a', 'b', 'c', 'd']],
    ['what another tenant leaves', 2, others, ['a', 'b', 'c']],
  ])('leases %s', async (_, count, row, targets) => {
    await due(['a', 'b', 'c', 'd']);
    const beside = Array.from({ length: count }, (_, nth) => `beside${nth}`);
    await due(beside, { action_id: 'act_beside', ...row });
    expect(await leased({ ...ofAct, rates: rates(5) })).toEqual(targets);
  });

  test('leases without regard to others if all are asked for', async () => {
    await due(['a', 'b']);
    await due(['c', 'd'], { action_id: 'act_beside' });
    expect(await leased({ rates: rates(4) })).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('lease_deliveries, if there are more than it may lease,', () => {
  test.each<[string, [string[], Row][], number, string[]]>([
    ['takes the longest due', [[['a', 'b', 'c'], {}]], 2, ['a', 'b']],
    [
      'takes publishers first, however short they are due',
      [
        [['a', 'b'], {}],
        [['pub'], { priority: 0, next_at: inHours(-1) }],
      ],
      2,
      ['a', 'pub'],
    ],
    [
      'takes those last who are not known to be connected',
      [
        [['late'], { priority: 2 }],
        [['a', 'b'], { next_at: inHours(-1) }],
      ],
      2,
      ['a', 'b'],
    ],
    [
      'takes of each tenant as many',
      [
        [['a', 'b', 'c', 'd', 'e'], {}],
        [['x', 'y', 'z'], { ...others, next_at: inHours(-1) }],
      ],
      4,
      ['a', 'b', 'x', 'y'],
    ],
    [
      'gives one tenant what another leaves',
      [
        [['a', 'b', 'c', 'd', 'e'], {}],
        [['x'], { ...others, next_at: inHours(-1) }],
      ],
      4,
      ['a', 'b', 'c', 'x'],
    ],
    [
      'lets no tenant go first with publishers alone',
      [
        [['a', 'b', 'c'], { priority: 0 }],
        [['x', 'y'], { ...others, priority: 1 }],
      ],
      4,
      ['a', 'b', 'x', 'y'],
    ],
    [
      'gives the one place that is left to a publisher',
      [
        [['a', 'b'], { priority: 1 }],
        [['x', 'pub'], { ...others, priority: 0, next_at: inHours(-1) }],
      ],
      3,
      ['a', 'pub', 'x'],
    ],
    [
      'gives the one place that is left to the longest due, of one tenant',
      [
        [['a', 'b'], { next_at: inHours(-2) }],
        [['x', 'y'], { ...others, next_at: inHours(-1) }],
      ],
      3,
      ['a', 'b', 'x'],
    ],
    [
      'gives the one place that is left to the longest due, of the other tenant',
      [
        [['a', 'b'], { next_at: inHours(-1) }],
        [['x', 'y'], { ...others, next_at: inHours(-2) }],
      ],
      3,
      ['a', 'x', 'y'],
    ],
  ])('%s', async (_, given, limit, targets) => {
    for (const [names, row] of given) await due(names, row);
    expect(await leased({ limit })).toEqual(targets);
  });

  test('takes turns also under the shared rate', async () => {
    await due(['a', 'b', 'c', 'd']);
    await due(['x', 'y'], { ...others, next_at: inHours(-1) });
    expect(await leased({ rates: rates(4) })).toEqual(['a', 'b', 'x', 'y']);
  });

  test('leases as many of each account and of each operation', async () => {
    await due(['a', 'b', 'c']);
    await due(['u', 'v', 'w'], { operation: room });
    await due(['x', 'y', 'z'], { account: 'role us-east-1' });
    expect(await leased({ limit: 2 })).toEqual(['a', 'b', 'u', 'v', 'x', 'y']);
  });

  test('leases none for a limit of none', async () => {
    await due(['a']);
    expect(await leased({ limit: 0 })).toEqual([]);
  });
});

describe('lease_deliveries, by the rates of IVS,', () => {
  test('leases no more than all replicas together may call', async () => {
    await due(['a', 'b', 'c', 'd', 'e']);
    expect(await leased({ rates: rates(3) })).toEqual(['a', 'b', 'c']);
    expect(await leased({ rates: rates(3) })).toEqual([]);
  });

  test('leaves in the rate what it does not lease', async () => {
    await due(['a', 'b']);
    await leased({ rates: rates(3) });
    await due(['c', 'd']);
    expect(await leased({ rates: rates(3) })).toEqual(['c']);
  });

  test('counts each operation by its own rate', async () => {
    await due(['a', 'b', 'c']);
    await due(['u', 'v', 'w'], { operation: room });
    expect(await leased({ rates: rates(1, { [room]: { rate: 0, burst: 2 } }) })).toEqual(['a', 'u', 'v']);
  });

  test('counts each account by itself', async () => {
    await due(['a', 'b']);
    await due(['x', 'y'], { account: 'role us-east-1' });
    expect(await leased({ rates: rates(1) })).toEqual(['a', 'x']);
  });

  test('goes on with another operation if the rate of one is used up', async () => {
    await sql.insert('pacing', { account: 'own us-east-1', operation: stage, allowance: 0, at: inSeconds(0) });
    await due(['a']);
    await due(['u'], { operation: room });
    expect(await leased()).toEqual(['u']);
  });

  test('raises an error if no rate of an operation is passed', async () => {
    await due(['a']);
    await expect(lease({ rates: {} })).rejects.toThrow('no rate was passed for');
  });
});

describe('lease_deliveries, while somebody undoes an action,', () => {
  const heldBack = (from: number) =>
    sql.query(`update actions set held_until = now() + make_interval(secs => $1) where id = 'act_beside'`, [from]);

  test.each([
    ['leases none of an action that is held back', 3600, {}, ['a']],
    ['leases none of it also if it is asked for', 3600, { tenant: 'ten', action: 'act_beside' }, []],
    ['leases of an action that was held back earlier', -1, {}, ['a', 'held']],
  ])('%s', async (_, from, how, targets) => {
    await due(['a']);
    await due(['held'], { action_id: 'act_beside' });
    await heldBack(from);
    expect(await leased(how)).toEqual(targets);
  });

  test('gives the places of an action that is held back to others', async () => {
    await due(['held1', 'held2'], { action_id: 'act_beside', priority: 0 });
    await due(['a', 'b']);
    await heldBack(3600);
    expect(await leased({ limit: 2 })).toEqual(['a', 'b']);
  });
});

test.each<[string, Row, number | null]>([
  ['that nobody has leased before', {}, null],
  ['whose last outcome is known', { attempts: 1 }, null],
  ['whose last lease ended without an outcome', { attempts: 1, leased_until: inHours(-1) }, 0],
  ['of which IVS may carry out an earlier call for longer', { leased_until: inHours(-1), lands_until: inHours(5) }, 5],
])('lease_deliveries notes until when IVS may carry out an earlier call: of a delivery %s', async (_, row, lands) => {
  await due(['a'], row);
  await leased();
  const known = `case when lands_until > 'epoch' then ${hours('lands_until')} end`;
  expect(await list(sql, `select ${known} from deliveries`)).toEqual([lands]);
});

describe('lease_deliveries, beside another connection,', () => {
  afterEach(async () => {
    // One of them may still wait for the other, if the test has failed.
    await Promise.all([other.rollback(), sql.rollback()]);
    await sql.query('delete from deliveries; delete from pacing');
    await sql.begin();
  });
  /** Lets both connections see the rows, and begins anew on both. */
  const share = async () => {
    await sql.commit();
    await sql.begin();
    await other.begin();
  };
  const lockRow = (target: string) => other.query('select from deliveries where target = $1 for update', [target]);

  test('passes over a delivery that is locked, and takes the next', async () => {
    await due(['a', 'b', 'c']);
    await share();
    await lockRow('a');
    await refuseToWait(sql);
    expect(await leased()).toEqual(['b', 'c']);
  });

  test('passes over the deliveries of an action that is being undone: it does not wait', async () => {
    await due(['a']);
    await due(['undone'], { action_id: 'act_beside' });
    await share();
    await other.call('lock_actions', { tenant: 'ten', actions: ['act_beside'] });
    await refuseToWait(sql);
    expect(await leased()).toEqual(['a']);
    expect(await list(sql, `select attempts from deliveries where target = 'undone'`)).toEqual([0]);
  });

  test('keeps others from undoing the action until the lease is written', async () => {
    await due(['a']);
    await share();
    await leased();
    const free = async () =>
      await other.value<boolean>('try_lock', { class: 'action', parts: ['ten', 'act'], exclusive: true });
    expect(await free()).toBe(false);
    await sql.commit();
    expect(await free()).toBe(true);
    await sql.begin();
  });

  test('leases to two who ask at once different deliveries: the second waits for the rate', async () => {
    await due(['a', 'b', 'c']);
    await share();
    expect(await leased({ limit: 2 })).toEqual(['a', 'b']);
    expect(await waitsFor(sql, other, () => leased({ limit: 2 }, other))).toEqual(['c']);
    await other.commit();
    await sql.begin();
  });
});
