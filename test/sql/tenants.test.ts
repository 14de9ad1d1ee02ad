/** The functions of tenants. */
import { refuseToWait } from '../support/moderation-rows.ts';
import { expectDropped } from '../support/ended-tenant.ts';
import { inSeconds, SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  await sql.insert('tenants', { id: 'ten_b', slug: 'acme' });
  await sql.insert('tenants', {
    id: 'ten_a',
    slug: 'other',
    region: 'eu-central-1',
    status: 'suspended',
    aws_role_arn: 'arn:aws:iam::111122223333:role/ivs',
    aws_external_id: 'external',
  });
});
afterEach(() => sql.rollback());

describe('aws_account', () => {
  test.each([
    [
      'the account of Stagedoor',
      'ten_b',
      [{ account: 'own us-east-1', region: 'us-east-1', aws_role_arn: null, aws_external_id: null }],
    ],
    [
      'an account of its own',
      'ten_a',
      [
        {
          account: 'arn:aws:iam::111122223333:role/ivs eu-central-1',
          region: 'eu-central-1',
          aws_role_arn: 'arn:aws:iam::111122223333:role/ivs',
          aws_external_id: 'external',
        },
      ],
    ],
    ['nothing for a tenant that is not there', 'ten_gone', []],
    ['nothing for no tenant', null, []],
  ])('is %s', async (_, tenant, account) => {
    expect(await sql.call('aws_account', { tenant })).toEqual(account);
  });

  test('shows the service the account of the tenant that it is in', async () => {
    await sql.becomeService('ten_b');
    expect(await sql.call('aws_account', { tenant: 'ten_b' })).toHaveLength(1);
    expect(await sql.call('aws_account', { tenant: 'ten_a' })).toEqual([]);
  });
});

describe('holder_of_reservation', () => {
  test('is the tenant that has reserved the value, and nobody once it is given back', async () => {
    await sql.insert('reservations', { tenant_id: 'ten_a', kind: 'stage', value: 'held' });
    await sql.insert('reservations', { tenant_id: 'ten_b', kind: 'stage', value: 'back', released_at: inSeconds(-1) });
    const of = (kind: string, value: string) => sql.value('holder_of_reservation', { kind, value });
    expect([await of('stage', 'held'), await of('room', 'held'), await of('stage', 'back')]).toEqual([
      'ten_a',
      null,
      null,
    ]);
  });
});

describe('find_tenant', () => {
  test.each([
    ['the row', 'ten_b', { id: 'ten_b', slug: 'acme', status: 'active' }],
    ['the row of a suspended tenant too', 'ten_a', { id: 'ten_a', slug: 'other', status: 'suspended' }],
    ['a null row for a tenant that is not there', 'ten_gone', { id: null, slug: null, status: null }],
    ['a null row for no tenant', null, { id: null, slug: null, status: null }],
  ])('returns %s', async (_, tenant, row) => {
    expect(await sql.call('find_tenant', { tenant })).toMatchObject([row]);
  });
});

describe('list_tenants', () => {
  const all = [
    { id: 'ten_a', slug: 'other' },
    { id: 'ten_b', slug: 'acme' },
  ];

  test('lists every tenant by id, suspended ones too', async () => {
    expect(await sql.call('list_tenants')).toEqual(all);
  });

  test('lists nothing if there are none', async () => {
    await sql.query('delete from tenants');
    expect(await sql.call('list_tenants')).toEqual([]);
  });

  test('shows the service ids and slugs of all tenants, whose rows it does not see', async () => {
    await sql.becomeService();
    expect(await sql.query('select id from tenants')).toEqual([]);
    expect(await sql.call('list_tenants')).toEqual(all);
  });
});

describe('has_tenants', () => {
  test('tells whether there is one', async () => {
    await sql.become('stagedoor_test_service');
    expect(await sql.value('has_tenants', {})).toBe(true);
    await sql.query('reset role');
    await sql.query('delete from tenants');
    await sql.become('stagedoor_test_service');
    expect(await sql.value('has_tenants', {})).toBe(false);
  });
});

describe('shorter_retentions', () => {
  test('lists the tenants that keep things for a shorter time than is usual, and for how long', async () => {
    await sql.insert('tenant_settings', { tenant_id: 'ten_a', event_days: 7, audit_days: 30 });
    await sql.insert('tenant_settings', { tenant_id: 'ten_b', event_days: 30, grant_days: 1 });
    const shorter = async (kind: string) =>
      (await sql.call<{ tenant_id: string; kept: object }>('shorter_retentions', { kind, usual: '30 days' })).map(
        ({ tenant_id, kept }) => ({ tenant_id, ...kept }),
      );
    expect(await shorter('events')).toEqual([{ tenant_id: 'ten_a', days: 7 }]);
    expect(await shorter('grants')).toEqual([{ tenant_id: 'ten_b', days: 1 }]);
    expect(await shorter('audit')).toEqual([]);
    expect(await sql.call('shorter_retentions', { kind: 'events', usual: '7 days' })).toEqual([]);
  });
});

describe('kept_days', () => {
  test('lists tenants by id, each with the days for which it keeps things', async () => {
    await sql.insert('tenant_settings', { tenant_id: 'ten_a', grant_days: 15 });
    await sql.insert('tenant_settings', { tenant_id: 'ten_b', audit_days: 31 });
    await sql.insert('tenants', { id: 'ten_c' });
    const kept = async (kind: string, after: string, usual: number, most: number) =>
      (await sql.call<{ tenant_id: string; days: number }>('kept_days', { kind, after, usual, most })).map(
        ({ tenant_id, days }) => `${tenant_id} ${days}`,
      );
    expect(await kept('grants', '', 90, 2)).toEqual(['ten_a 15', 'ten_b 90']);
    expect(await kept('grants', 'ten_b', 90, 2)).toEqual(['ten_c 90']);
    expect(await kept('audit', '', 90, 2)).toEqual(['ten_a 90', 'ten_b 31']);
    expect(await kept('audit', '', 30, 2)).toEqual(['ten_a 30', 'ten_b 30']); // the deployment keeps less now
  });
});

describe('tenant_of_slug', () => {
  test.each([
    ['acme', 'ten_b'],
    ['other', 'ten_a'],
    ['Acme', null],
    ['nobody', null],
    [null, null],
  ])('of %p is %p', async (slug, tenant) => {
    expect(await sql.value('tenant_of_slug', { slug })).toBe(tenant);
  });

  test('is not for the service', async () => {
    await sql.becomeService('ten_b');
    await expect(sql.value('tenant_of_slug', { slug: 'acme' })).rejects.toMatchObject({ code: '42501' });
  });
});

describe('tenant_quota', () => {
  const quota = (kind: string, session = sql, lock = false) =>
    session.value<number | null>('tenant_quota', { tenant: 'ten_b', kind, usual: 7, lock });

  test.each([
    ['what the operator has set', { spaces: 3 }, 3],
    ['nothing, if the operator has set that', { spaces: 0 }, 0],
    ['the usual, if the operator has set another kind', { roles: 3 }, 7],
    ['the usual, if the operator has set nothing', {}, 7],
  ])('is %s', async (_, quotas, expected) => {
    await sql.query(`update tenants set quotas = $1 where id = 'ten_b'`, [quotas]);
    await sql.becomeService('ten_b');
    expect(await quota('spaces', sql, true)).toBe(expected);
  });

  test('waits for who counts things of the same kind, and for nobody else', async () => {
    await sql.query('commit');
    const other = await sql.another();
    try {
      await sql.begin();
      await quota('spaces', sql, true);
      await other.begin();
      await refuseToWait(other);
      expect([await quota('spaces', other), await quota('roles', other, true)]).toEqual([7, 7]);
      await expect(quota('spaces', other, true)).rejects.toMatchObject({ code: '55P03' });
    } finally {
      await other.stop();
      await sql.rollback();
      await sql.query('delete from tenants');
      await sql.begin();
    }
  });
});

describe('tenant_limits', () => {
  test('lists the tenants with limits of their own or a weight, and nobody else', async () => {
    await sql.insert('tenants', { id: 'ten_limits', slug: 'limits', limits: { vendsPerMinute: 5 } });
    await sql.insert('tenants', { id: 'ten_weight', slug: 'weight', weight: 3 });
    await sql.becomeService();
    const found = await sql.call('tenant_limits');
    expect(found).toHaveLength(2);
    expect(found).toEqual(
      expect.arrayContaining([
        { tenant: 'ten_limits', limits: { vendsPerMinute: 5 }, weight: 1 },
        { tenant: 'ten_weight', limits: {}, weight: 3 },
      ]),
    );
  });
});

describe('restore_tenant_status', () => {
  test.each([
    ['ten_b', 'suspended', true],
    ['ten_b', 'active', false],
    ['ten_a', 'active', true],
    ['ten_gone', 'suspended', false],
  ])('of %s to %s', async (tenant, status, isChanged) => {
    expect(await sql.value('restore_tenant_status', { tenant, status })).toBe(isChanged);
    const found = await sql.query('select status from tenants where id = $1', [tenant]);
    expect(found).toEqual(tenant === 'ten_gone' ? [] : [{ status }]);
  });
});

describe('drop_settings_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const fill = async (tenant_id: string) => {
      await sql.insert('reservations', { tenant_id, kind: 'stage', value: `stage of ${tenant_id}` });
      await sql.insert('reservations', { tenant_id, kind: 'room', value: `room of ${tenant_id}` });
      await sql.insert('tenant_settings', { tenant_id });
    };
    const tables = ['reservations', 'tenant_settings'];
    await expectDropped(sql, tables, fill, (args) => sql.value('drop_settings_of_tenant', args));
  });
});

describe('assert_ending', () => {
  test.each<[string, object, boolean]>([
    ['active', {}, false],
    ['suspended', { status: 'suspended' }, false],
    ['being ended', { status: 'suspended', ending_at: new Date() }, true],
    ['that has ended', { status: 'suspended', ending_at: new Date(), ended_at: new Date() }, false],
  ])('a tenant %s', async (_, row, isEnding) => {
    await sql.insert('tenants', { id: 'ten_x', ...row });
    const asserted = sql.call('assert_ending', { tenant: 'ten_x' });
    if (isEnding) await asserted;
    else await expect(asserted).rejects.toThrow('is not being ended');
  });
});

test('a tenant that is being ended cannot be active', async () => {
  const made = sql.insert('tenants', { id: 'ten_x', status: 'active', ending_at: new Date() });
  await expect(made).rejects.toThrow('tenants_ending_check');
});

describe('last_count_of_bans', () => {
  const last = () => sql.call('last_count_of_bans', { tenant: 'ten_a' });

  test('is what was noted last, of this tenant alone', async () => {
    expect(await last()).toEqual([]);
    await sql.call('note_count_of_bans', { tenant: 'ten_a', counted: 7 });
    await sql.call('note_count_of_bans', { tenant: 'ten_b', counted: 8 });
    expect(await last()).toEqual([{ counted: 7, counted_at: expect.any(Date) }]);
  });

  test.each([
    ['an hour old', '-1 hour', 1],
    ['more than a day old, so acts may have been deleted since', '-25 hours', 0],
    ['of the time before the clock was set back', '1 hour', 0],
  ])('%s', async (_what, ago, found) => {
    await sql.query('update tenants set bans_counted = 7, bans_counted_at = now() + $1::interval', [ago]);
    expect(await last()).toHaveLength(found);
  });
});

describe('note_count_of_bans', () => {
  test('waits for nobody', async () => {
    await sql.commit();
    const other = await sql.another();
    try {
      await sql.begin();
      await other.begin();
      await sql.call('note_count_of_bans', { tenant: 'ten_a', counted: 7 });
      const note = () => other.call('note_count_of_bans', { tenant: 'ten_a', counted: 8 });
      expect(await other.hasToWait(note)).toBe(false);
      await other.commit();
      await sql.commit();
      expect(await sql.call('last_count_of_bans', { tenant: 'ten_a' })).toMatchObject([{ counted: 7 }]);
    } finally {
      await other.stop();
      await sql.query('delete from tenants');
      await sql.begin();
    }
  });
});
