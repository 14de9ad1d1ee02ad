/** What the functions about watches lock, seen from a second connection, and what those that lock write. */
import {
  grantStates,
  hours,
  inHours,
  insertGrant,
  insertHold,
  insertTwoTenants,
  insertWatch,
  list,
  startsToWait,
  waitsFor,
} from '../../support/moderation-rows.ts';
import { SqlSession } from '../../support/sql.ts';

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
afterEach(async () => {
  // One of them may still wait for the other, if the test has failed.
  await Promise.all([other.rollback(), sql.rollback()]);
  await sql.query('delete from watches; delete from holds; delete from grants');
});

/** Lets both connections see the rows, and begins anew on both. */
async function share(): Promise<void> {
  await sql.commit();
  await sql.begin();
  await other.begin();
}

/** Spaces whose watches nobody else has locked: `tenant space`. */
const free = () => list(other, `select tenant_id || ' ' || space_id from watches order by 1 for update skip locked`);

describe('watch_spaces', () => {
  const watch = (spaces: string[] | null, session = sql) => session.call('watch_spaces', { tenant: 'ten', spaces });
  const watches = () =>
    sql.query(
      `select tenant_id, space_id, ${hours('next_at')} as next, ${hours('leased_until')} > 0 as is_leased
         from watches order by 1, 2`,
    );
  const fresh = { tenant_id: 'ten', next: 0, is_leased: false };

  test('has each of the spaces looked at now', async () => {
    await watch(['spc_beside', 'spc']);
    expect(await watches()).toEqual([
      { ...fresh, space_id: 'spc' },
      { ...fresh, space_id: 'spc_beside' },
    ]);
  });

  test.each([
    ['earlier, if the next look is due later', 5],
    ['again, if a look is due already', -5],
  ])('has a stage that is watched looked at %s: a look that is leased goes on', async (_, due) => {
    await insertWatch(sql, { next_at: inHours(due), leased_until: inHours(1) });
    await watch(['spc']);
    expect(await watches()).toEqual([{ ...fresh, space_id: 'spc', is_leased: true }]);
  });

  test.each([
    ['an empty list', []],
    ['no list', null],
  ])('watches nothing for %s', async (_, spaces) => {
    await watch(spaces);
    expect(await watches()).toEqual([]);
  });

  test('leaves the watches of other spaces and of other tenants', async () => {
    await insertWatch(sql, { space_id: 'spc_beside', next_at: inHours(5) });
    await insertWatch(sql, { tenant_id: 'ten_other', next_at: inHours(5) });
    await watch(['spc']);
    expect((await watches()).map((row) => row['next'])).toEqual([0, 5, 5]);
  });

  test('refuses a space that is not there', async () => {
    await expect(watch(['spc_gone'])).rejects.toMatchObject({ code: '23503' });
  });

  test('locks the watches until its transaction ends, and no others', async () => {
    await insertWatch(sql, {});
    await insertWatch(sql, { space_id: 'spc_beside' });
    await insertWatch(sql, { tenant_id: 'ten_other' });
    await share();
    await watch(['spc']);
    expect(await free()).toEqual(['ten spc_beside', 'ten_other spc']);
    await sql.commit();
    expect(await free()).toHaveLength(3);
    await sql.begin();
  });

  test('waits for somebody else who changes what is looked for on one of the stages', async () => {
    await insertWatch(sql, {});
    await share();
    await watch(['spc']);
    await waitsFor(sql, other, () => watch(['spc_beside', 'spc'], other));
    await sql.begin();
  });

  test('waits also if the other is the first to watch the stage', async () => {
    await share();
    await watch(['spc']);
    await waitsFor(sql, other, () => watch(['spc'], other));
    await sql.begin();
  });

  test('takes the locks in the order of the spaces, whatever the order of the list is', async () => {
    await insertWatch(sql, {});
    await insertWatch(sql, { space_id: 'spc_beside' });
    await share();
    await watch(['spc_beside']);
    const { answer } = await startsToWait(sql, other, () => watch(['spc_beside', 'spc'], other));
    expect(await list(sql, `select space_id from watches order by 1 for update skip locked`)).toEqual(['spc_beside']);
    await sql.commit();
    await answer;
    await sql.begin();
  });
});

describe('lock_watches_of_actions', () => {
  const lock = (actions: string[] | null, session = sql) =>
    session.call('lock_watches_of_actions', { tenant: 'ten', actions });

  /** Every space of both tenants is watched. `act` holds a grant in `spc`, `act_beside` one in `spc_beside`. */
  beforeEach(async () => {
    for (const tenant of ['ten', 'ten_other']) {
      for (const [space, action] of Object.entries({ spc: 'act', spc_beside: 'act_beside' })) {
        await insertWatch(sql, { tenant_id: tenant, space_id: space });
        await insertHold(sql, { tenant_id: tenant, space_id: space, action_id: action, grant_id: `grt_${space}` });
      }
    }
    await share();
  });

  test.each<[string, string[] | null, string[]]>([
    ['where the action holds grants', ['act'], ['ten spc_beside', 'ten_other spc', 'ten_other spc_beside']],
    ['where one of the actions holds grants', ['act', 'act_beside'], ['ten_other spc', 'ten_other spc_beside']],
    ['of no action', ['act_gone'], ['ten spc', 'ten spc_beside', 'ten_other spc', 'ten_other spc_beside']],
    ['of an empty list', [], ['ten spc', 'ten spc_beside', 'ten_other spc', 'ten_other spc_beside']],
    ['of no list', null, ['ten spc', 'ten spc_beside', 'ten_other spc', 'ten_other spc_beside']],
  ])('locks the watches %s, and leaves the others free', async (_, actions, left) => {
    await lock(actions);
    expect(await free()).toEqual(left);
  });

  test('unlocks them when its transaction ends, and changes nothing', async () => {
    const before = await sql.query('select * from watches order by tenant_id, space_id');
    await lock(['act']);
    await sql.commit();
    expect(await free()).toHaveLength(4);
    await sql.begin();
    expect(await sql.query('select * from watches order by tenant_id, space_id')).toEqual(before);
  });

  test('waits for a look that is being taken in', async () => {
    await sql.call('watch_spaces', { tenant: 'ten', spaces: ['spc'] });
    await waitsFor(sql, other, () => lock(['act'], other));
    await sql.begin();
  });

  test('locks no watch where the actions hold nothing any more', async () => {
    await sql.query(`delete from holds where tenant_id = 'ten' and action_id = 'act'`);
    await lock(['act']);
    expect(await free()).toHaveLength(4);
  });

  test('takes the locks in the order of the spaces', async () => {
    await sql.query(`select from watches where tenant_id = 'ten' and space_id = 'spc_beside' for update`);
    const { answer } = await startsToWait(sql, other, () => lock(['act_beside', 'act'], other));
    const stillFree = `select space_id from watches where tenant_id = 'ten' order by 1 for update skip locked`;
    expect(await list(sql, stillFree)).toEqual(['spc_beside']);
    await sql.commit();
    await answer;
    await sql.begin();
  });
});

describe('release_unheld, while another action is about to hold the grant,', () => {
  test('waits for it, and then leaves the grant watched', async () => {
    await insertGrant(sql, { id: 'grt', state: 'watched' });
    await share();
    await sql.call('lock_grants', { tenant: 'ten', ids: ['grt'] });
    const { answer } = await startsToWait(sql, other, () =>
      other.call('release_unheld', { tenant: 'ten', grants: ['grt'] }),
    );
    await insertHold(sql, {});
    await sql.commit();
    await answer;
    await other.commit();
    await sql.begin();
    expect(await grantStates(sql)).toEqual({ grt: 'watched' });
  });
});
