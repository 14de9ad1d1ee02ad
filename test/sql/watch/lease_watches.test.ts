/** `lease_watches`, as a table: which stages are due, whom to look for there, and who gets a turn. */
import {
  hours,
  inHours,
  insertHold,
  insertTwoTenants,
  insertWatch,
  list,
  refuseToWait,
} from '../../support/moderation-rows.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;
let other: SqlSession;

const account = 'own us-east-1';
const theirs = 'role eu-west-1';

beforeAll(async () => {
  sql = await SqlSession.start();
  other = await sql.another();
  await insertTwoTenants(sql);
  await sql.insert('tenants', { id: 'ten_own', region: 'eu-west-1', aws_role_arn: 'role', aws_external_id: 'ext' });
  await sql.insert('spaces', { tenant_id: 'ten_own', id: 'spc', stage_arn: 'stage:own' });
  await sql.insert('actions', { tenant_id: 'ten_own', id: 'act' });
});
afterAll(async () => {
  await other.stop();
  await sql.stop();
});
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

/** A rate of none: only what is saved up can be leased, and nothing comes in while the test runs. */
const request = { limit: 100, lease: '2 hours', byName: 3, calls: 3, rate: 0, burst: 100 };

const lease = (changed: Partial<typeof request> = {}, session = sql) =>
  session.call('lease_watches', { ...request, ...changed });
/** The leased stages: `tenant space`. */
const leased = async (changed: Partial<typeof request> = {}, session = sql) =>
  (await lease(changed, session)).map((row) => [row['tenant_id'], row['space_id']].join(' ')).sort();

/** A watch, and holds of so many users in its space. */
async function watch(row: Row = {}, users = 1): Promise<void> {
  const { tenant_id: tenant = 'ten', space_id: space = 'spc' } = row;
  await insertWatch(sql, { next_at: inHours(-1), ...row });
  for (let nth = 0; nth < users; nth++) {
    const grant = `grt_${String(space)}_${nth}`;
    await insertHold(sql, { tenant_id: tenant, space_id: space, grant_id: grant, ivs_user_id: `user${nth}` });
  }
}

const calls = (operation = 'ListParticipants') =>
  list(sql, `select account || ' ' || allowance from pacing where operation = $1 order by 1`, [operation]);

describe('lease_watches', () => {
  test('leases nothing if nothing is watched', async () => {
    await insertHold(sql, {});
    expect(await lease()).toEqual([]);
  });

  test.each<[string, Row, boolean]>([
    ['that is due', {}, true],
    ['whose lease has run out', { leased_until: inSeconds(-0.01) }, true],
    ['that is due later', { next_at: inHours(1) }, false],
    ['that a replica has leased', { leased_until: inHours(1) }, false],
  ])('says whether it leases a stage %s', async (_, row, isLeased) => {
    await watch(row);
    expect(await leased()).toEqual(isLeased ? ['ten spc'] : []);
  });

  test('returns what a look needs, and notes the lease', async () => {
    await sql.insert('watches', { tenant_id: 'ten_own', space_id: 'spc' });
    await insertHold(sql, { tenant_id: 'ten_own', ivs_user_id: 'p-ann' });
    const [before] = await list(sql, 'select clock_timestamp()');
    const rows = await lease();
    const [after] = await list(sql, 'select clock_timestamp()');
    expect(rows).toEqual([
      {
        tenant_id: 'ten_own',
        space_id: 'spc',
        stage_arn: 'stage:own',
        users: ['p-ann'],
        sweep: null,
        pages: null,
        calls: 1,
        demoted: [],
        region: 'eu-west-1',
        aws_role_arn: 'role',
        aws_external_id: 'ext',
        looked_at: expect.any(Date),
      },
    ]);
    const at = Number(rows[0]?.['looked_at']);
    expect(at).toBeGreaterThanOrEqual(Number(before));
    expect(at).toBeLessThanOrEqual(Number(after));
    expect(
      await sql.query(`select ${hours('leased_until')} as leased, ${hours('next_at')} as next from watches`),
    ).toEqual([{ leased: 2, next: 0 }]);
  });

  test('leases a stage once', async () => {
    await watch();
    expect(await leased()).toEqual(['ten spc']);
    expect(await leased()).toEqual([]);
  });

  test('leases to the service, of all tenants', async () => {
    await watch();
    await watch({ tenant_id: 'ten_other' });
    await sql.become('stagedoor_test_service');
    expect(await leased()).toEqual(['ten spc', 'ten_other spc']);
  });

  test.each([
    ['all of them', 3, 3],
    ['one more than are asked for by name, if there are more', 9, 4],
  ])('names the users to look for: %s', async (_, count, named) => {
    await watch({}, count);
    const [row] = await lease();
    expect(row?.['users']).toHaveLength(named);
  });

  test('returns what the next step needs of a look that goes on', async () => {
    const sweep = { nextToken: 'page 2' };
    await watch({ sweep, pages: 7 }, 2);
    expect(await lease()).toMatchObject([{ sweep, pages: 7, calls: 3 }]);
    expect(await calls('GetStage')).toEqual([]);
  });

  test.each<[string, Row]>([
    ['of chat grants', { kind: 'chat' }],
    ['of another space', { space_id: 'spc_beside' }],
    ['of another tenant', { tenant_id: 'ten_other' }],
    ['of a user who is named already', { ivs_user_id: 'user0', action_id: 'act_beside' }],
  ])('names nobody for holds %s', async (_, row) => {
    await watch();
    await insertHold(sql, { grant_id: 'grt_beside', ivs_user_id: 'ben', ...row });
    const [answer] = await lease();
    expect(answer?.['users']).toEqual(['user0']);
  });

  test('tells whom to look at because their role was changed', async () => {
    await watch();
    await insertHold(sql, { grant_id: 'grt_demoted', watch_for: 'demoted', participant_id: 'part' });
    const [row] = await lease();
    expect(row?.['demoted']).toEqual([{ participantId: 'part', since: expect.any(String), allowed: [], seenAt: null }]);
  });

  test('leases a stage where nobody is held any more, without a call', async () => {
    await watch({}, 0);
    const [row] = await lease({ burst: 0 });
    expect(row).toMatchObject({ space_id: 'spc', users: [] });
    expect(await calls()).toEqual([]);
  });
});

describe('lease_watches, by the rate of IVS,', () => {
  test.each([
    ['one call for one user', 1, 10, 1, '9'],
    ['as many calls as a step takes, for more users', 2, 10, 3, '7'],
    ['what calls there are', 5, 2, 2, '0'],
    ['no call if there are none', 5, 0, undefined, '0'],
  ])('takes %s', async (_, users, burst, granted, left) => {
    await watch({}, users);
    expect((await lease({ burst }))[0]?.['calls']).toBe(granted);
    expect(await calls()).toEqual([`${account} ${left}`]);
  });

  test('leaves a stage for which there are no calls as it was', async () => {
    await watch({}, 2);
    await leased({ burst: 0 });
    expect(await list(sql, `select leased_until = 'epoch' from watches`)).toEqual([true]);
  });

  test('shares the calls among stages, the longest due first', async () => {
    await watch({ next_at: inHours(-2) }, 3);
    await watch({ space_id: 'spc_beside' }, 3);
    expect((await lease({ burst: 4 })).map((row) => [row['space_id'], row['calls']])).toEqual([
      ['spc', 3],
      ['spc_beside', 1],
    ]);
  });

  test('needs no call for a stage that is gone', async () => {
    await watch();
    await sql.query(`update spaces set stage_arn = null, deleted_at = now() where tenant_id = 'ten' and id = 'spc'`);
    expect(await lease({ burst: 0 })).toMatchObject([{ stage_arn: null, calls: 0 }]);
  });

  test('lets no account without calls take the place of another', async () => {
    await watch({ next_at: inHours(-2) }, 3);
    await watch({ tenant_id: 'ten_own' }, 2);
    await sql.insert('pacing', { account, operation: 'ListParticipants', allowance: 0, at: inSeconds(0) });
    expect(await leased({ limit: 1 })).toEqual(['ten_own spc']);
    expect(await calls()).toEqual([`${account} 0`, `${theirs} 97`]);
  });
});

describe('lease_watches, if more are due than it may lease,', () => {
  test.each<[string, Row[], number, string[]]>([
    [
      'takes the longest due of a tenant',
      [{ next_at: inHours(-1) }, { space_id: 'spc_beside', next_at: inHours(-2) }],
      1,
      ['ten spc_beside'],
    ],
    [
      'takes one of each tenant before the second of any',
      [
        { next_at: inHours(-3) },
        { space_id: 'spc_beside', next_at: inHours(-2) },
        { tenant_id: 'ten_other', next_at: inHours(-1) },
      ],
      2,
      ['ten spc', 'ten_other spc'],
    ],
    [
      'takes one of each account before the second of any',
      [
        { next_at: inHours(-4) },
        { space_id: 'spc_beside', next_at: inHours(-3) },
        { tenant_id: 'ten_other', next_at: inHours(-3) },
        { tenant_id: 'ten_own', next_at: inHours(-1) },
      ],
      2,
      ['ten spc', 'ten_own spc'],
    ],
    [
      'takes all, if there are as many',
      [{ next_at: inHours(-3) }, { space_id: 'spc_beside' }, { tenant_id: 'ten_other' }],
      3,
      ['ten spc', 'ten spc_beside', 'ten_other spc'],
    ],
    ['takes none for a limit of none', [{}], 0, []],
  ])('%s', async (_, rows, limit, answer) => {
    for (const row of rows) await watch(row);
    expect(await leased({ limit })).toEqual(answer);
  });
});

describe('lease_watches, beside another connection,', () => {
  afterEach(async () => {
    // One of them may still wait for the other, if the test has failed.
    await Promise.all([other.rollback(), sql.rollback()]);
    await sql.query('delete from watches; delete from holds; delete from grants; delete from pacing');
    await sql.begin();
  });

  test('passes over a stage where somebody changes what is looked for, and takes the next', async () => {
    await watch({ next_at: inHours(-2) });
    await watch({ space_id: 'spc_beside' });
    await sql.commit();
    await sql.begin();
    await other.begin();
    await other.call('watch_spaces', { tenant: 'ten', spaces: ['spc'] });
    await refuseToWait(sql);
    expect(await leased({ limit: 1 })).toEqual(['ten spc_beside']);
  });

  test('leases a stage to one of two who ask at once', async () => {
    await watch();
    await sql.commit();
    await sql.begin();
    expect(await leased()).toEqual(['ten spc']);
    await other.begin();
    await refuseToWait(other);
    expect(await leased({}, other)).toEqual([]);
  });
});
