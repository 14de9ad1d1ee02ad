/** The functions of spaces. */
import { expectDropped } from '../support/ended-tenant.ts';
import { fromNow, inSeconds, SqlSession } from '../support/sql.ts';

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
  await sql.insert('tenants', { id: 'ten' });
  await sql.insert('tenants', { id: 'ten_other' });
});
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

describe('default_role_of_space', () => {
  test.each([
    ['spc', 'host'],
    ['spc_without', null],
    ['spc_other', null],
    ['spc_gone', null],
    [null, null],
  ])('of %p is %p', async (space, role) => {
    for (const tenant_id of ['ten', 'ten_other']) await sql.insert('roles', { tenant_id, name: 'host' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc', default_role: 'host' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_without' });
    await sql.insert('spaces', { tenant_id: 'ten_other', id: 'spc_other', default_role: 'host' });
    expect(await sql.value('default_role_of_space', { tenant: 'ten', space })).toBe(role);
  });
});

describe('space_of_stage', () => {
  test('is the space of the tenant that has the stage, and no deleted one', async () => {
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_x', stage_arn: 'a' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_gone', stage_arn: 'b', deleted_at: inSeconds(-60) });
    const of = (tenant: string | null, stageArn: string) => sql.value('space_of_stage', { tenant, stageArn });
    expect([await of('ten', 'a'), await of('ten', 'b'), await of('ten_other', 'a'), await of(null, 'a')]).toEqual([
      'spc_x',
      null,
      null,
      null,
    ]);
  });
});

describe('tenant_of_space', () => {
  test('is the owner, also of a space that was deleted', async () => {
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_x' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_gone', deleted_at: inSeconds(-60) });
    const of = (space: string | null) => sql.value('tenant_of_space', { space });
    expect([await of('spc_x'), await of('spc_gone'), await of('spc_none'), await of(null)]).toEqual([
      'ten',
      'ten',
      null,
      null,
    ]);
  });

  test('is not for the service', async () => {
    await sql.becomeService('ten');
    await expect(sql.value('tenant_of_space', { space: 'spc_x' })).rejects.toMatchObject({ code: '42501' });
  });
});

describe('find_space', () => {
  test.each<[string, Row, boolean]>([
    ['finds a space', {}, true],
    ['finds a closed space', { status: 'closed' }, true],
    ['finds a frozen space', { frozen_at: inSeconds(-1) }, true],
    ['does not find a space that is not ready', { ready_at: null }, false],
    ['does not find a space that was deleted', { deleted_at: inSeconds(-1) }, false],
    ['does not find a space of another tenant', { tenant_id: 'ten_other' }, false],
    ['does not find another space', { id: 'spc_beside' }, false],
  ])('%s', async (_, given, found) => {
    const space = await sql.insert('spaces', { tenant_id: 'ten', id: 'spc', ...given });
    const rows = await sql.call('find_space', { tenant: 'ten', space: 'spc' });
    expect(rows).toEqual([found ? space : Object.fromEntries(Object.keys(space).map((column) => [column, null]))]);
  });
});

describe('lock_space', () => {
  beforeEach(() => other.begin());
  afterEach(() => other.rollback());

  const lock = { tenant: 'ten', space: 'spc', exclusive: true };
  const vend = { ...lock, exclusive: false };

  test.each<[string, typeof lock, typeof lock, boolean]>([
    ['a vend does not wait for a vend', vend, vend, false],
    ['a vend waits for a freeze', lock, vend, true],
    ['a freeze waits for a vend', vend, lock, true],
    ['a freeze waits for a freeze', lock, lock, true],
    ['a vend does not wait for a freeze of another space', { ...lock, space: 'spc_beside' }, vend, false],
    ['a vend does not wait for a freeze at another tenant', { ...lock, tenant: 'ten_other' }, vend, false],
  ])('%s', async (_, first, second, waits) => {
    await sql.call('lock_space', first);
    expect(await other.hasToWait(() => other.call('lock_space', second))).toBe(waits);
  });

  test('does not wait for the user of the same name', async () => {
    await sql.call('lock_user', { tenant: 'ten', user: 'spc', exclusive: true });
    expect(await other.hasToWait(() => other.call('lock_space', lock))).toBe(false);
  });

  test('lasts until the transaction ends', async () => {
    await sql.call('lock_space', lock);
    await sql.rollback();
    expect(await other.hasToWait(() => other.call('lock_space', lock))).toBe(false);
    await sql.begin();
  });
});

describe('spaces_at_ivs', () => {
  test('lists the spaces of the tenant, deleted ones too, with what they have at IVS', async () => {
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_a', stage_arn: 'stage-a', room_arn: 'room-a' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_b', stage_arn: null, room_arn: 'room-b' });
    await sql.insert('spaces', {
      tenant_id: 'ten',
      id: 'spc_c',
      stage_arn: 'stage-c',
      room_arn: null,
      ready_at: null,
      deleted_at: inSeconds(-1),
    });
    await sql.insert('spaces', { tenant_id: 'ten_other', id: 'spc_d' });
    const rows = await sql.call<{ space_id: string }>('spaces_at_ivs', { tenant: 'ten' });
    expect(rows.toSorted((a, b) => a.space_id.localeCompare(b.space_id))).toEqual([
      { space_id: 'spc_a', stage_arn: 'stage-a', room_arn: 'room-a', is_deleted: false },
      { space_id: 'spc_b', stage_arn: null, room_arn: 'room-b', is_deleted: false },
      { space_id: 'spc_c', stage_arn: 'stage-c', room_arn: null, is_deleted: true },
    ]);
  });

  test('gives a deleted space the part that another space has adopted again', async () => {
    await insertDeleted({ former_stage_arn: 'stage', former_room_arn: 'room' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_new', stage_arn: 'stage', room_arn: 'room-new' });
    const rows = await sql.call<{ space_id: string }>('spaces_at_ivs', { tenant: 'ten' });
    expect(rows.find(({ space_id }) => space_id === 'spc_old')).toEqual({
      space_id: 'spc_old',
      stage_arn: 'stage',
      room_arn: null,
      is_deleted: false,
    });
  });

  test('lists nothing of a tenant that is not there', async () => {
    await sql.insert('spaces', { tenant_id: 'ten' });
    expect(await sql.call('spaces_at_ivs', { tenant: 'ten_gone' })).toEqual([]);
  });
});

/** A deleted space of `ten` that has nothing at IVS any more. */
async function insertDeleted(row: Row): Promise<void> {
  const gone = { stage_arn: null, room_arn: null, deleted_at: inSeconds(-60) };
  await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_old', ...gone, ...row });
}

describe('adopted_again', () => {
  test.each<[string, Row, Row, string | null]>([
    ['the stage', { former_stage_arn: 'arn' }, { stage_arn: 'arn' }, 'arn'],
    ['the room', { former_room_arn: 'arn' }, { room_arn: 'arn' }, 'arn'],
    ['nothing, of a space that had adopted none', {}, { stage_arn: 'arn' }, null],
    ['nothing, if nobody has it', { former_stage_arn: 'arn' }, {}, null],
    [
      'nothing, if a deleted space has it',
      { former_stage_arn: 'arn' },
      { stage_arn: 'arn', deleted_at: inSeconds(0) },
      null,
    ],
    [
      'nothing, if another tenant has it',
      { former_stage_arn: 'arn' },
      { stage_arn: 'arn', tenant_id: 'ten_other' },
      null,
    ],
  ])('is %s', async (what, old, now, arn) => {
    await insertDeleted(old);
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_new', ...now });
    const part = what.includes('room') ? 'room' : 'stage';
    const space = `(select s from spaces as s where id = 'spc_old')`;
    expect(await sql.valueOf('adopted_again', `${space}, $1`, [part])).toBe(arn);
  });
});

describe('spaces_sharing', () => {
  const sharing = async (space: string | null) =>
    (await sql.call<{ space_id: string; kind: string }>('spaces_sharing', { tenant: 'ten', space }))
      .map((row) => `${row.space_id} ${row.kind}`)
      .toSorted();

  test('lists the space, and deleted ones that had its stage or its room', async () => {
    await insertDeleted({ former_stage_arn: 'stage', former_room_arn: 'room-else' });
    await insertDeleted({ id: 'spc_older', former_stage_arn: 'stage', former_room_arn: 'room' });
    await insertDeleted({ tenant_id: 'ten_other', id: 'spc_foreign', former_stage_arn: 'stage' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc', stage_arn: 'stage', room_arn: 'room' });
    expect(await sharing('spc')).toEqual([
      'spc chat',
      'spc stage',
      'spc_old stage',
      'spc_older chat',
      'spc_older stage',
    ]);
    expect(await sharing('spc_old')).toEqual(['spc_old chat', 'spc_old stage']);
  });

  test('lists a space that has neither alone', async () => {
    await insertDeleted({});
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc', stage_arn: null, room_arn: null });
    expect(await sharing('spc')).toEqual(['spc chat', 'spc stage']);
  });
});

describe('take_unsettled_spaces', () => {
  const before = fromNow(-60_001);
  const justNow = fromNow(-59_999);

  async function unsettled(limit = 10): Promise<string[]> {
    const rows = await sql.call<{ id: string }>('take_unsettled_spaces', { olderThan: '1 minute', limit });
    return rows.map(({ id }) => id);
  }

  test.each<[string, Row, boolean]>([
    ['a space whose creation was cut short', { ready_at: null, created_at: before }, true],
    ['a space that somebody may still be creating', { ready_at: null, created_at: justNow }, false],
    ['a space that was tried just now', { deleted_at: before, attempted_at: fromNow(-30_000) }, false],
    [
      'a space that was tried before the clock was set back',
      { deleted_at: before, attempted_at: inSeconds(3_600) },
      true,
    ],
    ['a space that is ready', { created_at: before }, false],
    ['a deleted space with a stage', { deleted_at: before, room_arn: null }, true],
    ['a deleted space with a room', { deleted_at: before, stage_arn: null }, true],
    ['a deleted space without either', { deleted_at: before, stage_arn: null, room_arn: null }, false],
    ['a space that somebody may still be deleting', { deleted_at: justNow }, false],
    [
      'a space that was never ready and that somebody may still be deleting',
      { ready_at: null, created_at: before, deleted_at: justNow },
      false,
    ],
  ])('%s', async (_, space, listed) => {
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc', ...space });
    expect(await unsettled()).toEqual(listed ? ['spc'] : []);
  });

  test('lists the oldest first, and no more than asked for', async () => {
    for (const [id, seconds] of Object.entries({ spc_b: -200, spc_c: -100, spc_a: -300 })) {
      await sql.insert('spaces', { tenant_id: 'ten', id, ready_at: null, created_at: inSeconds(seconds) });
    }
    expect(await unsettled(0)).toEqual([]);
    expect((await unsettled(2)).sort()).toEqual(['spc_a', 'spc_b']);
    expect(await unsettled()).toEqual(['spc_c']);
  });

  test('shows the service the spaces of all tenants', async () => {
    for (const [tenant_id, id] of [
      ['ten', 'spc_a'],
      ['ten_other', 'spc_b'],
    ]) {
      await sql.insert('spaces', { tenant_id, id, ready_at: null, created_at: before });
    }
    await sql.becomeService();
    expect(await sql.query('select id from spaces')).toEqual([]);
    const rows = await sql.call<Row>('take_unsettled_spaces', { olderThan: '1 minute', limit: 10 });
    expect(rows.toSorted((one, two) => String(one['id']).localeCompare(String(two['id'])))).toEqual([
      { tenant_id: 'ten', id: 'spc_a' },
      { tenant_id: 'ten_other', id: 'spc_b' },
    ]);
  });
});

describe('frozen_spaces', () => {
  test('names the frozen spaces of the tenant', async () => {
    for (const tenant of ['ten_frozen', 'ten_beside']) await sql.insert('tenants', { id: tenant });
    const space = (id: string, row = {}) => sql.insert('spaces', { tenant_id: 'ten_frozen', id, ...row });
    const frozen = { frozen_at: inSeconds(-1) };
    await space('spc_2', frozen);
    await space('spc_1', frozen);
    await space('spc_open');
    await space('spc_gone', { ...frozen, deleted_at: inSeconds(-1) });
    await space('spc_3', { ...frozen, tenant_id: 'ten_beside' });
    expect(await sql.value('frozen_spaces', { tenant: 'ten_frozen' })).toEqual(['spc_1', 'spc_2']);
    expect(await sql.value('frozen_spaces', { tenant: 'ten_unknown' })).toEqual([]);
  });
});

describe('find_spaces', () => {
  test('finds those that find_space finds', async () => {
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_closed', status: 'closed' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_making', ready_at: null });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_deleted', deleted_at: inSeconds(-1) });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_beside' });
    await sql.insert('spaces', { tenant_id: 'ten_other', id: 'spc_other' });
    const spaces = ['spc', 'spc_closed', 'spc_making', 'spc_deleted', 'spc_other', 'spc_gone'];
    const found = await sql.call('find_spaces', { tenant: 'ten', spaces });
    expect(found.map(({ id }) => String(id)).sort()).toEqual(['spc', 'spc_closed']);
    for (const space of found)
      expect(await sql.call('find_space', { tenant: 'ten', space: String(space['id']) })).toEqual([space]);
    expect(await sql.call('find_spaces', { tenant: 'ten', spaces: [] })).toEqual([]);
  });
});

describe('drop_spaces_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['spaces', { id: 'spc_x' }],
      ['spaces', { id: 'spc_y' }],
    ];
    await expectDropped(sql, ['spaces'], rows, (args) => sql.value('drop_spaces_of_tenant', args));
  });
});

describe('drop_old_spaces', () => {
  const day = 24 * 3_600;
  const gone = { stage_arn: null, room_arn: null };
  const drop = async (after = new Date(0), most = 100) => {
    const before = new Date(Date.now() - 40 * day * 1_000);
    const [done] = await sql.call('drop_old_spaces', { tenant: 'ten', before, after, most });
    return { dropped: Number(done?.['dropped']), reached: done?.['reached'] as Date | null };
  };
  const put = (id: string, days: number, more: Row = {}) =>
    sql.insert('spaces', { tenant_id: 'ten', id, ...gone, deleted_at: inSeconds(-days * day), ...more });
  const left = async () =>
    (await sql.query(`select id from spaces where tenant_id = 'ten' order by id`)).map(({ id }) => id);

  test('deletes spaces that were deleted before, with what hangs on them, in steps, and of no other tenant', async () => {
    for (const [id, days] of Object.entries({ a: 70, b: 60, c: 50, lately: 30 })) await put(id, days);
    await sql.insert('roles', { tenant_id: 'ten', name: 'host' });
    await sql.insert('members', { tenant_id: 'ten', space_id: 'a', role: 'host' });
    await sql.insert('stage_looks', { tenant_id: 'ten', space_id: 'a' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'open' });
    await sql.insert('spaces', { tenant_id: 'ten_other', id: 'other', ...gone, deleted_at: inSeconds(-60 * day) });
    const first = await drop(undefined, 2);
    expect(first).toEqual({ dropped: 2, reached: expect.any(Date) });
    expect(await left()).toEqual(['c', 'lately', 'open']);
    expect(await drop(first.reached ?? undefined, 2)).toEqual({ dropped: 1, reached: null });
    expect(await left()).toEqual(['lately', 'open']);
    expect(await sql.query(`select from spaces where tenant_id = 'ten_other'`)).toHaveLength(1);
    for (const table of ['members', 'stage_looks'])
      expect([table, await sql.query(`select from ${table}`)]).toEqual([table, []]);
  });

  const needs: [string, (space: { tenant_id: string; space_id: string }) => Promise<unknown>][] = [
    ['a grant', (space) => sql.insert('grants', { ...space, expires_at: inSeconds(-60 * day) })],
    ['a ban', (space) => sql.insert('bans', space)],
    ['an action', (space) => sql.insert('actions', space)],
    [
      'a delivery of an action of the whole tenant',
      async ({ tenant_id, space_id }) => {
        await sql.insert('actions', { tenant_id, id: 'act' });
        await sql.insert('deliveries', { tenant_id, space_id, action_id: 'act' });
      },
    ],
    ['a watch', (space) => sql.insert('watches', space)],
    [
      'a session',
      async (space) => {
        await sql.insert('stage_looks', space);
        await sql.insert('stage_sessions', space);
      },
    ],
    ['a stage at IVS', ({ space_id }) => sql.query(`update spaces set stage_arn = 'stage' where id = $1`, [space_id])],
  ];

  test.each(needs)('leaves a space with %s, and passes over it', async (_, need) => {
    await put('needed', 60);
    await put('not_needed', 50);
    await need({ tenant_id: 'ten', space_id: 'needed' });
    const first = await drop(undefined, 1);
    expect(first).toEqual({ dropped: 0, reached: expect.any(Date) });
    expect((await drop(first.reached ?? undefined, 1)).dropped).toBe(1);
    expect(await left()).toEqual(['needed']);
  });
});
