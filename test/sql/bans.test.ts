/** The functions that tell which bans are in force, and whether every ban holds what it must. */
import { limits } from '../../src/limits.ts';
import { expectDropped } from '../support/ended-tenant.ts';
import { fromNow, inSeconds, SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  for (const tenant_id of ['ten', 'ten_other']) {
    await sql.insert('tenants', { id: tenant_id });
    await sql.insert('spaces', { tenant_id, id: 'spc' });
    await sql.insert('spaces', { tenant_id, id: 'spc_beside' });
    await sql.insert('spaces', { tenant_id, id: 'spc_deleted', deleted_at: inSeconds(-1) });
  }
});
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

async function putBans(bans: Row[]): Promise<void> {
  for (const ban of bans) await sql.insert('bans', { tenant_id: 'ten', ...ban });
}

describe('ban_end', () => {
  test.each<[string, string | null, Date | null]>([
    ['a ban that ends', 'ban_ends', new Date('2030-01-01T00:00:00Z')],
    ['a ban that does not end', 'ban_stays', null],
    ['a ban of another tenant', 'ban_other', null],
    ['a ban that is not there', 'ban_gone', null],
    ['no ban', null, null],
  ])('%s', async (_, ban, end) => {
    const expires_at = new Date('2030-01-01T00:00:00Z');
    await putBans([
      { id: 'ban_ends', expires_at },
      { id: 'ban_stays' },
      { id: 'ban_other', tenant_id: 'ten_other', expires_at },
    ]);
    expect(await sql.value('ban_end', { tenant: 'ten', ban })).toEqual(end);
  });
});

/** Bans, and the id of the one that keeps Ann out of the space `spc`. */
const inForce: [string, Row[], string | null][] = [
  ['a ban', [{ id: 'a' }], 'a'],
  ['a ban of this space', [{ id: 'a', space_id: 'spc' }], 'a'],
  ['a ban until later', [{ id: 'a', expires_at: inSeconds(3600) }], 'a'],
  ['a ban that is over', [{ id: 'a', expires_at: fromNow(0) }], null],
  ['a ban that was lifted', [{ id: 'a', lifted_at: inSeconds(-1) }], null],
  ['a ban that was lifted and would last', [{ id: 'a', lifted_at: inSeconds(-1), expires_at: inSeconds(60) }], null],
  ['a ban of another space', [{ id: 'a', space_id: 'spc_beside' }], null],
  ['a ban of somebody else', [{ id: 'a', user_id: 'ben' }], null],
  ['a ban at another tenant', [{ id: 'a', tenant_id: 'ten_other' }], null],
  ['no ban', [], null],
  [
    'of two bans the one that lasts longer',
    [
      { id: 'a', expires_at: inSeconds(3600), space_id: 'spc' },
      { id: 'b', expires_at: inSeconds(7200) },
    ],
    'b',
  ],
  [
    'of three bans the one without an end',
    [
      { id: 'a', expires_at: inSeconds(7200) },
      { id: 'b', space_id: 'spc' },
      { id: 'c', expires_at: inSeconds(9000) },
    ],
    'b',
  ],
  [
    'of two bans the one that was not lifted',
    [
      { id: 'a', lifted_at: inSeconds(-1) },
      { id: 'b', expires_at: inSeconds(60) },
    ],
    'b',
  ],
];

/** Who asks, of whom no ban was kept. */
const ann = { tenant: 'ten', user: 'ann', pseudonym: 'p-ann' };

describe('ban_in_force', () => {
  test.each(inForce)('%s', async (_, bans, id) => {
    await putBans(bans);
    expect(await sql.call('ban_in_force', { ...ann, space: 'spc', rank: 9 })).toMatchObject([{ id }]);
  });

  test.each<[string, Row, string | null]>([
    ['in any space: a ban of all spaces', { space_id: null }, 'a'],
    ['in any space: a ban of one space', { space_id: 'spc' }, 'a'],
    ['in any space: no ban of a space that was deleted', { space_id: 'spc_deleted' }, null],
    ['in any space: no ban of somebody else', { user_id: 'ben' }, null],
  ])('%s', async (_, ban, id) => {
    await putBans([{ id: 'a', ...ban }]);
    expect(await sql.call('ban_in_force', { ...ann, space: null, rank: 9 })).toMatchObject([{ id }]);
  });

  test('a ban that began and ended within the transaction is over', async () => {
    await putBans([{ id: 'a', expires_at: inSeconds(-0.001) }]);
    expect(await sql.call('ban_in_force', { ...ann, space: 'spc', rank: 9 })).toMatchObject([{ id: null }]);
  });
});

/** The rank of who banned, the rank of who is banned, and whether the ban binds them. */
const ranks: [by: number | null, own: number | null, binds: boolean][] = [
  [null, 9, true],
  [null, null, true],
  [20, 10, true],
  [20, null, true],
  [0, null, true],
  [20, 20, false],
  [20, 30, false],
];

describe.each(ranks)('a ban by the rank %p, and a user of the rank %p', (by_rank, rank, binds) => {
  const request = { ...ann, space: 'spc', rank };

  test('ban_in_force', async () => {
    await putBans([{ id: 'a', by_rank }]);
    expect(await sql.call('ban_in_force', request)).toMatchObject([{ id: binds ? 'a' : null }]);
  });

  test('ban_refusal', async () => {
    await putBans([{ id: 'a', by_rank }]);
    expect(await sql.value('ban_refusal', request)).toEqual(
      binds ? expect.objectContaining({ refused: 'banned' }) : null,
    );
  });
});

describe('outranked_ban', () => {
  test.each(ranks)('by the rank %p, of a user of the rank %p', async (by_rank, rank, binds) => {
    await putBans([{ id: 'a', by_rank }]);
    const id = await sql.value('outranked_ban', { tenant: 'ten', user: 'ann', space: 'spc', rank });
    expect(id).toBe(binds ? null : 'a');
  });

  test.each(inForce)('%s', async (_, bans, id) => {
    await putBans(bans.map((ban) => ({ by_rank: 1, ...ban })));
    const found = await sql.value('outranked_ban', { tenant: 'ten', user: 'ann', space: 'spc', rank: 1 });
    expect(found !== null).toBe(id !== null);
  });
});

describe('outranked_bans', () => {
  const asked = { tenant: 'ten', user: 'ann', space: 'spc' };

  test.each(ranks)('by the rank %p, of a user of the rank %p', async (by_rank, rank, binds) => {
    await putBans([
      { id: 'a', by_rank },
      { id: 'b', by_rank, space_id: 'spc' },
    ]);
    const ids = await sql.value('outranked_bans', { ...asked, rank });
    expect(ids).toEqual(binds || rank === null ? [] : ['a', 'b']);
  });

  test.each(inForce)('%s', async (_, bans, id) => {
    await putBans(bans.map((ban) => ({ by_rank: 1, ...ban })));
    const found = await sql.value<string[]>('outranked_bans', { ...asked, rank: 1 });
    expect(found.length > 0).toBe(id !== null);
  });
});

describe('ban_refusal', () => {
  test.each(inForce)('%s', async (_, bans, id) => {
    await putBans(bans.map((ban) => ({ reason: `of ${String(ban['id'])}`, ...ban })));
    const [until] = await sql.query(
      `select to_jsonb(expires_at) as until from bans where tenant_id = 'ten' and id = $1`,
      [id],
    );
    expect(await sql.value('ban_refusal', { ...ann, space: 'spc', rank: 9 })).toEqual(
      id === null ? null : { refused: 'banned', reason: `of ${id}`, ...until },
    );
  });

  test('a ban without a reason and without an end', async () => {
    await putBans([{}]);
    expect(await sql.value('ban_refusal', { ...ann, space: 'spc', rank: 9 })).toEqual({
      refused: 'banned',
      until: null,
      reason: null,
    });
  });
});

describe('bans_without_hold', () => {
  const from = { afterTenant: '', afterBan: '' };

  async function look(limit = 10, after: object = from): Promise<Row | undefined> {
    const rows = await sql.call('bans_without_hold', { ...after, limit, limits });
    expect(rows).toHaveLength(1);
    return rows[0];
  }

  async function putGrant(grant: Row = {}): Promise<void> {
    await sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', id: 'grt', state: 'watched', ...grant });
  }

  test.each<[string, Row, Row, number]>([
    ['a grant for any space', {}, {}, 1],
    ['a grant for the space of the ban', { space_id: 'spc' }, {}, 1],
    ['a grant for another space', { space_id: 'spc_beside' }, {}, 0],
    ['a grant for a deleted space', {}, { space_id: 'spc_deleted' }, 0],
    ['a grant for a space that is not there', {}, { space_id: 'spc_gone' }, 0],
    ['a released grant', {}, { state: 'released' }, 1],
    ['a revoked grant of a key pair', {}, { state: 'revoked', mint: 'key-pair' }, 1],
    ['a revoked grant of IVS', {}, { state: 'revoked' }, 1],
    ['a pending grant', {}, { state: 'pending' }, 0],
    ['a grant that expires next', {}, { expires_at: fromNow(1) }, 1],
    ['a grant that expires now', {}, { expires_at: fromNow(0) }, 0],
    ['a grant of somebody else', {}, { user_id: 'ben' }, 0],
    ['a grant at another tenant', {}, { tenant_id: 'ten_other' }, 0],
    ['a grant after the ban was lifted', { lifted_at: inSeconds(-1) }, {}, 0],
    ['a grant after the ban has ended', { expires_at: fromNow(0) }, {}, 0],
    ['a grant before the ban ends', { expires_at: fromNow(1) }, {}, 1],
  ])('%s', async (_, ban, grant, count) => {
    await putBans([{ id: 'ban', ...ban }]);
    await putGrant(grant);
    const bans = ban['lifted_at'] === undefined ? '1' : '0';
    expect(await look()).toEqual({ tenant_id: null, ban_id: null, grants: String(count), bans });
  });

  /** What covers the grant: the action of the hold, the action that is unfinished. `act` is of the ban, `act_other` of another. */
  test.each<[string, string | null, string | null, number]>([
    ['nothing', null, null, 1],
    ['a hold of the ban', 'act', null, 0],
    ['a hold of another ban', 'act_other', null, 1],
    ['an action of the ban that is unfinished', null, 'act', 0],
    ['an action of another ban that is unfinished', null, 'act_other', 1],
  ])('a grant that is covered by %s', async (_, held, unfinished, count) => {
    await putBans([{ id: 'ban' }, { id: 'ban_other', user_id: 'ben' }]);
    await putGrant();
    await sql.insert('actions', { tenant_id: 'ten', id: 'act', ban_id: 'ban' });
    await sql.insert('actions', { tenant_id: 'ten', id: 'act_other', ban_id: 'ban_other' });
    const of = { tenant_id: 'ten', space_id: 'spc' };
    if (held !== null) await sql.insert('holds', { ...of, grant_id: 'grt', action_id: held });
    if (unfinished !== null) await sql.insert('unfinished_actions', { tenant_id: 'ten', action_id: unfinished });
    expect(await look()).toMatchObject({ grants: String(count) });
  });

  test('counts all grants of all bans that it looks at', async () => {
    await putBans([{}, { user_id: 'ben' }, { user_id: 'cat', tenant_id: 'ten_other' }]);
    await putGrant({ id: 'a' });
    await putGrant({ id: 'b', kind: 'chat' });
    await putGrant({ id: 'c', user_id: 'ben' });
    await putGrant({ id: 'd', user_id: 'cat', tenant_id: 'ten_other' });
    expect(await look()).toMatchObject({ grants: '4' });
  });

  test('goes through the bans in the order of their keys, and names where it stopped', async () => {
    await putBans([
      { id: 'c', tenant_id: 'ten', user_id: 'ann' },
      { id: 'b', tenant_id: 'ten', user_id: 'ben' },
      { id: 'a', tenant_id: 'ten_other', user_id: 'ann' },
    ]);
    await putGrant();
    const stops: unknown[] = [];
    for (let after: object | null = from; after;) {
      const row = await look(1, after);
      stops.push([row?.['tenant_id'], row?.['ban_id'], row?.['grants']]);
      after = row?.['ban_id'] === null ? null : { afterTenant: row?.['tenant_id'], afterBan: row?.['ban_id'] };
    }
    expect(stops).toEqual([
      ['ten', 'b', '0'],
      ['ten', 'c', '1'],
      ['ten_other', 'a', '0'],
      [null, null, '0'],
    ]);
    expect(await look(2)).toEqual({ tenant_id: 'ten', ban_id: 'c', grants: '1', bans: '2' });
    expect(await look(3)).toEqual({ tenant_id: 'ten_other', ban_id: 'a', grants: '1', bans: '3' });
    expect(await look(4)).toEqual({ tenant_id: null, ban_id: null, grants: '1', bans: '3' });
  });

  test('serves the service for all tenants', async () => {
    await putBans([{}]);
    await putGrant();
    await sql.becomeService();
    expect(await sql.query('select from bans')).toEqual([]);
    expect(await look()).toEqual({ tenant_id: null, ban_id: null, grants: '1', bans: '1' });
  });
});

describe('users_under_bans', () => {
  test.each<[string, Row[], string[]]>([
    ['a ban', [{}], ['ann']],
    ['two bans', [{}, { space_id: 'spc' }], ['ann']],
    ['a ban in any space', [{ space_id: 'spc_deleted' }], ['ann']],
    ['a ban that does not bind some', [{ by_rank: 0 }], ['ann']],
    ['a ban until later', [{ expires_at: inSeconds(3600) }], ['ann']],
    ['a ban that is over', [{ expires_at: fromNow(0) }], []],
    ['a ban that was lifted', [{ lifted_at: inSeconds(-1) }], []],
    ['bans of two', [{}, { user_id: 'ben' }], ['ann', 'ben']],
    ['a ban of somebody else', [{ user_id: 'eve' }], []],
    ['a ban at another tenant', [{ tenant_id: 'ten_other' }], []],
  ])('%s', async (_, bans, users) => {
    await putBans(bans);
    const asked = { tenant: 'ten', users: ['ann', 'ben', 'cleo'], pseudonyms: ['p-ann', 'p-ben', 'p-cleo'] };
    expect(await sql.value('users_under_bans', asked)).toEqual(users);
  });
});

describe('ban_is_over', () => {
  test.each<[string, Row, boolean]>([
    ['without an end', {}, false],
    ['that ends later', { expires_at: inSeconds(3600) }, false],
    ['that has expired', { expires_at: inSeconds(-1) }, true],
    ['that was lifted', { lifted_at: inSeconds(-1), expires_at: inSeconds(3600) }, true],
    ['of another tenant', { tenant_id: 'ten_other' }, true],
  ])('a ban %s: %p', async (_, ban, isOver) => {
    await putBans([{ id: 'a', ...ban }]);
    expect(await sql.value('ban_is_over', { tenant: 'ten', ban: 'a' })).toBe(isOver);
  });
});

describe('drop_old_bans', () => {
  const drop = (most = 10) =>
    sql.value('drop_old_bans', { tenant: 'ten', before: new Date(Date.now() - 5 * 3_600_000), most });
  const left = async () => (await sql.query('select id from bans order by id')).map(({ id }) => id);
  const longAgo = inSeconds(-10 * 3600);

  test('deletes bans that ended long ago, and none that holds', async () => {
    await putBans([
      { id: 'ever' },
      { id: 'expired', expires_at: longAgo, expiry_told: true },
      { id: 'just over', expires_at: inSeconds(-3600), expiry_told: true },
      { id: 'later', expires_at: inSeconds(3600) },
      { id: 'lifted', lifted_at: longAgo },
      { id: 'lifted long before its end', lifted_at: longAgo, expires_at: inSeconds(3600) },
      { id: 'of another tenant', lifted_at: longAgo, tenant_id: 'ten_other' },
      { id: 'untold', expires_at: longAgo },
      { id: 'with an action', lifted_at: longAgo },
    ]);
    await sql.insert('actions', { tenant_id: 'ten', id: 'act', ban_id: 'with an action' });
    expect([await drop(2), await drop(2), await drop(2)]).toEqual([2, 1, 0]);
    expect(await left()).toEqual(['ever', 'just over', 'later', 'of another tenant', 'untold', 'with an action']);
    await sql.query('delete from actions');
    expect(await drop()).toBe(1);
  });
});

describe('restore_ban', () => {
  const entry = {
    action: 'ban.create',
    subject: 'ban',
    userId: 'ann',
    spaceId: null as string | null,
    at: '2026-03-01T19:00:00.000Z',
    caller: { kind: 'user', id: 'mod' },
    details: { action: 'act', reason: 'spam', expiresAt: null as string | null, byRank: 20 },
  };
  const restore = (changed: Partial<typeof entry> = {}) =>
    sql.value('restore_ban', { tenant: 'ten', entry: { ...entry, ...changed }, limits });

  test('bans the user as it was, and acts against their grants', async () => {
    await sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', id: 'grt' });
    await sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', id: 'grt_ben', user_id: 'ben' });
    expect(await restore()).toBe(true);
    expect(await sql.query('select * from bans')).toMatchObject([
      {
        tenant_id: 'ten',
        id: 'ban',
        user_id: 'ann',
        space_id: null,
        reason: 'spam',
        created_by: entry.caller,
        created_at: new Date(entry.at),
        expires_at: null,
        lifted_at: null,
        by_rank: 20,
      },
    ]);
    expect(await sql.query('select id, kind, ban_id from actions')).toEqual([
      { id: 'act', kind: 'ban', ban_id: 'ban' },
    ]);
    expect(await sql.query('select grant_id, action_id, watch_for from holds')).toEqual([
      { grant_id: 'grt', action_id: 'act', watch_for: 'banned' },
    ]);
    expect(await restore()).toBe(false);
  });

  test.each<[string, Partial<typeof entry>, boolean]>([
    ['a ban of a space', { spaceId: 'spc' }, true],
    ['a ban of a space that is not there', { spaceId: 'spc_gone' }, false],
    ['a ban of a space that is deleted', { spaceId: 'spc_deleted' }, false],
    ['a ban that lasts', { details: { ...entry.details, expiresAt: '2100-01-01T00:00:00Z' } }, true],
    ['a ban that is over', { details: { ...entry.details, expiresAt: '2026-03-02T00:00:00Z' } }, false],
  ])('%s', async (_, changed, isRestored) => {
    expect(await restore(changed)).toBe(isRestored);
    expect(await sql.query('select id from bans')).toHaveLength(isRestored ? 1 : 0);
  });
});

describe('restore_lift', () => {
  const entry = { action: 'ban.lift', subject: 'ban', userId: 'ann', caller: { kind: 'apiKey', id: 'key_1' } };
  const restore = (changed: Partial<typeof entry> = {}) =>
    sql.value('restore_lift', { tenant: 'ten', entry: { ...entry, ...changed }, limits });

  beforeEach(async () => {
    await putBans([{ id: 'ban' }, { id: 'ban_beside' }]);
    await sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', id: 'grt', state: 'watched' });
    for (const ban of ['ban', 'ban_beside']) {
      await sql.insert('actions', { tenant_id: 'ten', id: `act_${ban}`, ban_id: ban });
      await sql.insert('deliveries', { tenant_id: 'ten', action_id: `act_${ban}`, space_id: 'spc' });
      await sql.insert('holds', { tenant_id: 'ten', action_id: `act_${ban}`, space_id: 'spc', grant_id: 'grt' });
    }
  });

  test('lifts the ban, cancels its calls and ends its holds', async () => {
    expect(await restore()).toBe(true);
    expect(await sql.query('select id, lifted_by, outranked from bans where lifted_at is not null')).toEqual([
      { id: 'ban', lifted_by: entry.caller, outranked: false },
    ]);
    expect(await sql.query(`select action_id from deliveries where state = 'pending'`)).toEqual([
      { action_id: 'act_ban_beside' },
    ]);
    expect(await sql.query('select action_id from holds')).toEqual([{ action_id: 'act_ban_beside' }]);
    expect(await restore()).toBe(false);
  });

  test('notes that a ban did not bind its user', async () => {
    expect(await restore({ action: 'ban.outranked' })).toBe(true);
    expect(await sql.query('select id from bans where outranked')).toEqual([{ id: 'ban' }]);
  });

  test('does nothing for a ban that is not there', async () => {
    expect(await restore({ subject: 'gone' })).toBe(false);
  });
});

describe('drop_bans_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['bans', { id: 'ban' }],
      ['bans', { id: 'ban_b' }],
    ];
    await expectDropped(sql, ['bans'], rows, (args) => sql.value('drop_bans_of_tenant', args));
  });
});

describe('erased_name', () => {
  test('is made from the keyed hash; without one there is none', async () => {
    expect(await sql.value('erased_name', { pseudonym: 'a1' })).toBe('erased:a1');
    expect(await sql.value('erased_name', { pseudonym: null })).toBeNull();
  });
});

describe('erase_bans', () => {
  const erase = (after: string | null = null, most = 100) =>
    sql.call('erase_bans', { tenant: 'ten', user: 'ann', name: 'erased:x', after, most });
  const by = { kind: 'user', id: 'ann' };

  test('puts the name into bans against the user and by them, and takes their reasons', async () => {
    await sql.query('delete from bans');
    const put = (id: string, row: object) =>
      sql.insert('bans', { tenant_id: 'ten', id, reason: 'rude', user_id: 'ben', ...row });
    await put('a_against', { user_id: 'ann' });
    await put('b_by', { created_by: by });
    await put('c_lifted', { lifted_by: by, lifted_at: new Date() });
    await put('d_of_another', {});
    await sql.insert('bans', { tenant_id: 'ten_other', id: 'a_against', user_id: 'ann' });
    expect(await erase()).toEqual([{ changed: '3', waiting: '0', reached: null }]);
    const key = { kind: 'apiKey', id: 'key_1' };
    const named = { kind: 'user', id: 'erased:x' };
    expect(await sql.query('select user_id, reason, created_by, lifted_by from bans order by tenant_id, id')).toEqual([
      { user_id: 'erased:x', reason: null, created_by: key, lifted_by: null },
      { user_id: 'ben', reason: null, created_by: named, lifted_by: null },
      { user_id: 'ben', reason: null, created_by: key, lifted_by: named },
      { user_id: 'ben', reason: 'rude', created_by: key, lifted_by: null },
      { user_id: 'ann', reason: null, created_by: key, lifted_by: null },
    ]);
    expect(await erase()).toEqual([{ changed: '0', waiting: '0', reached: null }]);
  });

  test('goes on where it stopped', async () => {
    await sql.query('delete from bans');
    for (const id of ['a', 'b', 'c']) await sql.insert('bans', { tenant_id: 'ten', id, user_id: 'ann' });
    expect(await erase(null, 2)).toEqual([{ changed: '2', waiting: '0', reached: 'b' }]);
    expect(await erase('b', 2)).toEqual([{ changed: '1', waiting: '0', reached: null }]);
  });
});

describe('bans of a user who was erased', () => {
  test('hold on for them, and for nobody else', async () => {
    await sql.query('delete from bans');
    await sql.insert('bans', { tenant_id: 'ten', id: 'ban_e', user_id: 'erased:a1' });
    const banOf = async (user: string, pseudonym: string | null) =>
      (await sql.call('ban_in_force', { tenant: 'ten', user, space: null, rank: null, pseudonym }))[0]?.['id'];
    expect(await banOf('ann', 'a1')).toBe('ban_e');
    expect(await banOf('ben', 'b2')).toBeNull();
    expect(await banOf('ann', null)).toBeNull();
    const refused = { refused: 'banned', until: null, reason: null };
    expect(
      await sql.value('ban_refusal', { tenant: 'ten', user: 'ann', space: 'spc', rank: null, pseudonym: 'a1' }),
    ).toEqual(refused);
    const users = { tenant: 'ten', users: ['ann', 'ben'], pseudonyms: ['a1', 'b2'] };
    expect(await sql.value('users_under_bans', users)).toEqual(['ann']);
    expect(await sql.value('users_under_bans', { ...users, tenant: 'ten_other' })).toEqual([]);
  });
});

describe('has_bans_in_space', () => {
  test('tells of the space, and of no other', async () => {
    for (const tenant_id of ['t', 't_other']) {
      await sql.insert('tenants', { id: tenant_id });
      for (const id of ['full', 'empty']) await sql.insert('spaces', { tenant_id, id });
    }
    await sql.insert('bans', { tenant_id: 't', space_id: 'full' });
    const has = (tenant: string, space: string) => sql.value('has_bans_in_space', { tenant, space });
    expect([await has('t', 'full'), await has('t', 'empty'), await has('t_other', 'full')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
