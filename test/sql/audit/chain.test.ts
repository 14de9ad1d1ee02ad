/** `seal_audit`, `verify_audit` and `check_audit_chain`: the hash chain of a tenant, made and checked. */
import { inSeconds, SqlSession } from '../../support/sql.ts';

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
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

async function put(...ids: string[]): Promise<void> {
  for (const id of ids) {
    const [tenant, entry] = id.split(' ');
    await sql.insert('audit', { tenant_id: tenant, id: entry });
  }
}

/** Vends whose entries are not in the audit log yet. */
async function putVends(...ids: string[]): Promise<void> {
  for (const id of ids) {
    const [tenant, entry] = id.split(' ');
    await sql.insert('unsealed_vends', { tenant_id: tenant, id: entry });
  }
}

/** Groups of vends: the tenant, and the ids of the vends. */
async function putGroups(...groups: string[]): Promise<void> {
  for (const group of groups) {
    const [tenant, ...ids] = group.split(' ');
    const vends = ids.map((id) => [id, 'space.join', 'spc', 'ann', 'viewer', `grt_${id}`, null, 'request', null]);
    await sql.query('insert into unsealed_groups (tenant_id, id, vends) values ($1, $2, $3)', [
      tenant,
      ids[0],
      JSON.stringify(vends),
    ]);
  }
}

/** Tenant, id and place of every entry, in the order of the chains; then the vends that have no entry yet. */
async function chains(): Promise<unknown[]> {
  const rows = await sql.query(
    `select concat_ws(' ', tenant_id, id, seq, case when hash is null then 'open' end) as row
       from (select tenant_id, id, seq, hash from audit
             union all select tenant_id, id || ' vend', null, null from unsealed_vends
             union all select v.tenant_id, v.id || ' vend', null, null from unsealed_groups as g, vends_of_group(g) as v) as entries
      order by tenant_id, seq nulls last, id`,
  );
  return rows.map(({ row }) => row);
}

describe('seal_audit', () => {
  test.each<[string, string[], number, string, string[]]>([
    ['nothing', [], 10, '0', []],
    ['entries in the order of their ids', ['ten b', 'ten a'], 10, '2', ['ten a 1', 'ten b 2']],
    ['each tenant for itself', ['ten a', 'tin b', 'ten c'], 10, '3', ['ten a 1', 'ten c 2', 'tin b 1']],
    ['as many as the limit', ['ten a', 'ten b'], 2, '2', ['ten a 1', 'ten b 2']],
    ['no more than the limit', ['ten a', 'ten b', 'ten c'], 2, '2', ['ten a 1', 'ten b 2', 'ten c open']],
    [
      'a share for each tenant',
      ['ten a', 'ten b', 'ten c', 'tin d'],
      2,
      '2',
      ['ten a 1', 'ten b open', 'ten c open', 'tin d 1'],
    ],
    [
      'the tenants with the oldest entries if there are more tenants than the limit',
      ['ten c', 'tin b', 'ton a'],
      2,
      '2',
      ['ten c open', 'tin b 1', 'ton a 1'],
    ],
    ['nothing with a limit of 0', ['ten a'], 0, '0', ['ten a open']],
  ])('seals %s', async (_, ids, limit, count, after) => {
    await put(...ids);
    expect(await sql.value('seal_audit', { limit })).toBe(count);
    expect(await chains()).toEqual(after);
  });

  test.each<[string, string[], string[], number, string, string[]]>([
    ['a vend, which is in the audit log from then on', [], ['ten a'], 10, '1', ['ten a 1']],
    [
      'vends and acts in the order of their ids',
      ['ten b', 'ten d'],
      ['ten c', 'ten a'],
      10,
      '4',
      ['ten a 1', 'ten b 2', 'ten c 3', 'ten d 4'],
    ],
    [
      'no more of both than the limit',
      ['ten b', 'ten c'],
      ['ten a', 'ten d'],
      2,
      '2',
      ['ten a 1', 'ten b 2', 'ten c open', 'ten d vend open'],
    ],
    [
      'a share for each tenant, of vends and acts together',
      ['ten c', 'tin e'],
      ['ten a', 'ten b', 'tin d'],
      4,
      '4',
      ['ten a 1', 'ten b 2', 'ten c open', 'tin d 1', 'tin e 2'],
    ],
    ['the tenant with the oldest vend first', ['tin b'], ['ton a'], 1, '1', ['tin b open', 'ton a 1']],
  ])('seals %s', async (_, acts, vends, limit, count, after) => {
    await put(...acts);
    await putVends(...vends);
    expect(await sql.value('seal_audit', { limit })).toBe(count);
    expect(await chains()).toEqual(after);
    expect(await sql.call('verify_audit', { tenant: 'ten' })).toEqual([]);
  });

  test.each<[string, string[], string[], number, string, string[]]>([
    ['a group', [], ['ten a b'], 10, '2', ['ten a 1', 'ten b 2']],
    [
      'a group as a whole, also beyond the limit',
      [],
      ['ten a b c', 'ten d'],
      2,
      '3',
      ['ten a 1', 'ten b 2', 'ten c 3', 'ten d vend open'],
    ],
    [
      'as many groups as the limit reaches',
      ['ten f'],
      ['ten a b', 'ten c d', 'ten e'],
      3,
      '4',
      ['ten a 1', 'ten b 2', 'ten c 3', 'ten d 4', 'ten e vend open', 'ten f open'],
    ],
    [
      'groups, vends of the build before, and acts',
      ['ten c'],
      ['ten a d', 'tin a'],
      10,
      '6',
      ['ten a 1', 'ten d 2', 'ten b 3', 'ten c 4', 'tin a 1', 'tin b 2'],
    ],
    [
      'the groups of two tenants evenly',
      [],
      ['ten a b', 'ten c d', 'tin e f'],
      4,
      '4',
      ['ten a 1', 'ten b 2', 'ten c vend open', 'ten d vend open', 'tin e 1', 'tin f 2'],
    ],
  ])('seals %s', async (what, acts, groups, limit, count, after) => {
    await put(...acts);
    await putGroups(...groups);
    if (what.includes('build before')) await putVends('ten b', 'tin b');
    expect(await sql.value('seal_audit', { limit })).toBe(count);
    expect(await chains()).toEqual(after);
    expect(await sql.call('verify_audit', { tenant: 'ten' })).toEqual([]);
  });

  test('seals groups that nobody but the service could have written, and each vend of them once', async () => {
    await put('ten a');
    await putGroups('ten a b', 'ten c b');
    await sql.query(
      `insert into unsealed_groups (tenant_id, id, vends) values ('ten', 'z', '[[], {"id": "x"}, 1]'), ('tin', 'a', '[["y"]]'), ('tun', 'a', '[["y"]]')`,
    );
    while ((await sql.value('seal_audit', { limit: 10 })) !== '0');
    expect(await sql.query('select from unsealed_groups')).toEqual([]);
    const found = (await chains()).map((row) => String(row).replace(/_[-0-9a-f]{36}/, '_'));
    expect(found.filter((row) => row.startsWith('ten'))).toHaveLength(8);
    expect(found.filter((row) => row.startsWith('t') && row.includes(' y '))).toEqual(['tin y 1', 'tun y 1']);
    for (const tenant of ['ten', 'tin', 'tun']) expect(await sql.call('verify_audit', { tenant })).toEqual([]);
  });

  test('seals a vend whose id an entry has already, with another id', async () => {
    await put('ten a');
    await putVends('ten a', 'ten b');
    while ((await sql.value('seal_audit', { limit: 10 })) !== '0');
    expect(await chains()).toEqual(['ten a 1', expect.stringMatching(/^ten a_\S+ 2$/), 'ten b 3']);
    expect(await sql.call('verify_audit', { tenant: 'ten' })).toEqual([]);
  });

  test('writes what the vend says', async () => {
    const vend = await sql.insert('unsealed_vends', {
      tenant_id: 'ten',
      id: 'a',
      caller: { kind: 'apiKey', id: 'key' },
    });
    await sql.value('seal_audit', { limit: 10 });
    expect(await sql.query('select * from audit')).toEqual([
      {
        tenant_id: 'ten',
        id: 'a',
        at: vend['at'],
        caller: { kind: 'apiKey', id: 'key' },
        action: 'grant.vend',
        space_id: vend['space_id'],
        user_id: 'ann',
        subject: null,
        details: { role: 'viewer', stageGrant: vend['stage_grant'] },
        request_id: 'request',
        seq: '1',
        hash: expect.any(Buffer),
      },
    ]);
  });

  test('goes on where the last run ended, even for an entry with a lower id', async () => {
    await put('ten b', 'ten d', 'tin a');
    expect(await sql.value('seal_audit', { limit: 10 })).toBe('3');
    await put('ten a', 'ten c');
    expect(await sql.value('seal_audit', { limit: 10 })).toBe('2');
    expect(await chains()).toEqual(['ten b 1', 'ten d 2', 'ten a 3', 'ten c 4', 'tin a 1']);
    expect(await sql.value('seal_audit', { limit: 10 })).toBe('0');
    expect(await sql.call('verify_audit', { tenant: 'ten' })).toEqual([]);
  });

  test('chains every entry to the one before', async () => {
    await put('ten a', 'ten b');
    await sql.value('seal_audit', { limit: 10 });
    const linked = await sql.query(
      `select b.hash = audit_digest(a.hash, b) as second, a.hash = audit_digest(null, a) as first
         from audit a, audit b where a.id = 'a' and b.id = 'b'`,
    );
    expect(linked).toEqual([{ first: true, second: true }]);
  });

  test('serves the service for all tenants', async () => {
    await put('ten a', 'tin b');
    await sql.becomeService();
    expect(await sql.query('select from audit')).toEqual([]);
    expect(await sql.value('seal_audit', { limit: 10 })).toBe('2');
  });

  describe('beside another replica', () => {
    /** Rows that the other replica can see: they are committed, and deleted after the test. */
    beforeEach(async () => {
      await put('ten a');
      await putGroups('ten b');
      await sql.commit();
      await sql.begin();
      await other.begin();
    });
    afterEach(async () => {
      await other.rollback();
      await sql.rollback();
      await sql.query('delete from audit; delete from unsealed_vends; delete from unsealed_groups');
      await sql.begin();
    });

    test('does nothing while the other one seals, and does not wait for it', async () => {
      expect(await sql.value('seal_audit', { limit: 10 })).toBe('2');
      const sealed: unknown[] = [];
      const seal = async (): Promise<void> => void sealed.push(await other.value('seal_audit', { limit: 10 }));
      expect(await other.hasToWait(seal)).toBe(false);
      expect(sealed).toEqual(['0']);
    });

    test('seals what the other one did not get to commit', async () => {
      expect(await sql.value('seal_audit', { limit: 10 })).toBe('2');
      await sql.rollback();
      expect(await other.value('seal_audit', { limit: 10 })).toBe('2');
      await other.commit();
      await sql.begin();
      expect(await chains()).toEqual(['ten a 1', 'ten b 2']);
    });
  });
});

describe('tenants_to_seal', () => {
  test('lists each tenant with its first entry or vend that is not sealed', async () => {
    await put('ten b', 'tin c');
    await sql.value('seal_audit', { limit: 10 });
    await put('ten e', 'ten d', 'ton f', 'ton g');
    await putVends('ten c', 'tun a', 'tun b');
    await putGroups('tin g h', 'tin i', 'ton e');
    await sql.become('stagedoor_crossing');
    const rows = await sql.rowsOf<{ tenant_id: string; id: string }>('tenants_to_seal', '');
    expect(rows.map((row) => `${row.tenant_id} ${row.id}`)).toEqual(['ten c', 'tin g', 'ton e', 'tun a']);
  });

  test('is refused to the service', async () => {
    await sql.becomeService('ten');
    await expect(sql.call('tenants_to_seal')).rejects.toMatchObject({ code: '42501' });
  });
});

describe('tenants_with_groups', () => {
  test('lists each tenant with its first group', async () => {
    await putGroups('ten b', 'ten a c', 'tin d');
    await sql.become('stagedoor_crossing');
    const rows = await sql.rowsOf<{ tenant_id: string; id: string }>('tenants_with_groups', '');
    expect(rows.map((row) => `${row.tenant_id} ${row.id}`)).toEqual(['ten a', 'tin d']);
  });
});

describe('unsealed_entries', () => {
  test('returns the entries of acts and of vends by tenant and id, and says which are of vends', async () => {
    await put('ten b', 'tin d');
    await putVends('ten a', 'ten c');
    await sql.become('stagedoor_crossing');
    const found = () =>
      sql.query(`select (entry).tenant_id || ' ' || (entry).id as entry, is_vend from unsealed_entries(4)`);
    expect(await found()).toEqual([
      { entry: 'ten a', is_vend: true },
      { entry: 'ten b', is_vend: false },
      { entry: 'tin d', is_vend: false },
    ]);
  });

  test('is refused to the service', async () => {
    await sql.becomeService('ten');
    await expect(sql.call('unsealed_entries', { limit: 1 })).rejects.toMatchObject({ code: '42501' });
  });
});

describe('unsealed_audit', () => {
  const unsealed = async (most = 10) => (await sql.call('unsealed_audit', { most }))[0];

  test('counts nothing if there is nothing, or if everything is sealed', async () => {
    expect(await unsealed()).toEqual({ entries: '0', oldest_seconds: 0 });
    await put('ten a');
    await sql.value('seal_audit', { limit: 10 });
    expect(await unsealed()).toEqual({ entries: '0', oldest_seconds: 0 });
  });

  test('counts the entries of all tenants to the limit, and tells the age of the oldest', async () => {
    await sql.insert('audit', { tenant_id: 'tin', id: 'a', at: inSeconds(-90) });
    await sql.insert('audit', { tenant_id: 'ten', id: 'b', at: inSeconds(-30) });
    await sql.insert('audit', { tenant_id: 'ten', id: 'c', at: inSeconds(-30) });
    await sql.insert('unsealed_vends', { tenant_id: 'ten', id: 'a', at: inSeconds(-600) });
    await putGroups('tin x y');
    await sql.becomeService();
    expect(await unsealed()).toEqual({ entries: '6', oldest_seconds: expect.closeTo(600, -1.5) });
    expect(await unsealed(2)).toMatchObject({ entries: '2' });
  });

  test('has no age below zero if the clock was set back', async () => {
    await sql.insert('audit', { tenant_id: 'ten', at: inSeconds(90) });
    expect(await unsealed()).toEqual({ entries: '1', oldest_seconds: 0 });
  });
});

describe('verify_audit', () => {
  const update = 'update audit set';

  test.each<[string, string | null, object[]]>([
    ['a chain that holds', null, []],
    ['a changed entry', `${update} user_id = 'ben' where id = 'b'`, [{ seq: '2', id: 'b', problem: 'row changed' }]],
    [
      'a changed first entry',
      `${update} details = '{"x": 1}' where id = 'a'`,
      [{ seq: '1', id: 'a', problem: 'row changed' }],
    ],
    [
      'a changed last entry',
      `${update} at = at + interval '1 ms' where id = 'd'`,
      [{ seq: '4', id: 'd', problem: 'row changed' }],
    ],
    ['a changed hash', `${update} hash = '\\x00' where id = 'c'`, [{ seq: '3', id: 'c', problem: 'row changed' }]],
    ['a missing hash', `${update} hash = null where id = 'c'`, [{ seq: '3', id: 'c', problem: 'row changed' }]],
    [
      'a changed entry whose own hash was made to fit',
      `${update} action = 'x' where id = 'b'; ${update} hash = audit_digest((select hash from audit where id = 'a'), audit) where id = 'b'`,
      [{ seq: '3', id: 'c', problem: 'row changed' }],
    ],
    ['a missing first entry', `delete from audit where id = 'a'`, [{ seq: '1', id: null, problem: 'row missing' }]],
    ['a missing entry', `delete from audit where id = 'c'`, [{ seq: '3', id: null, problem: 'row missing' }]],
    [
      'a missing entry whose place was filled',
      `delete from audit where id = 'c'; ${update} seq = 3 where id = 'd'`,
      [{ seq: '3', id: 'd', problem: 'row changed' }],
    ],
    [
      'two entries that changed places',
      `${update} seq = 9 where id = 'b'; ${update} seq = 2 where id = 'c'; ${update} seq = 3 where id = 'b'`,
      [{ seq: '2', id: 'c', problem: 'row changed' }],
    ],
    [
      'the first of two faults',
      `${update} action = 'x' where id in ('b', 'd')`,
      [{ seq: '2', id: 'b', problem: 'row changed' }],
    ],
    ['an entry that is not sealed yet', `${update} seq = null, hash = null where id = 'd'`, []],
    ['a fault of another tenant', `${update} action = 'x' where id = 'z'`, []],
  ])('%s', async (_, tampering, problems) => {
    await put('ten a', 'ten b', 'ten c', 'ten d', 'tin z');
    await sql.value('seal_audit', { limit: 10 });
    if (tampering !== null) await sql.query(tampering);
    expect(await sql.call('verify_audit', { tenant: 'ten' })).toEqual(problems);
  });

  test('a tenant without entries', async () => {
    expect(await sql.call('verify_audit', { tenant: 'ten' })).toEqual([]);
  });

  test('serves the service for any tenant', async () => {
    await put('ten a', 'tin b');
    await sql.value('seal_audit', { limit: 10 });
    await sql.query(`${update} action = 'x' where id = 'b'`);
    await sql.becomeService('ten');
    expect(await sql.call('verify_audit', { tenant: 'tin' })).toEqual([{ seq: '1', id: 'b', problem: 'row changed' }]);
  });
});

describe('check_audit_chain', () => {
  const check = (to: number | null = null, most = 10, tenant = 'ten') =>
    sql.value<Record<string, unknown>>('check_audit_chain', { tenant, to, most });
  const seal = async (...ids: string[]) => {
    await put(...ids);
    await sql.value('seal_audit', { limit: 10 });
  };
  const changed = (seq: number, id: string) => ({ seq, id, problem: 'changed' });
  const missing = (seq: number) => ({ seq, id: null, problem: 'missing' });

  test.each<[string, string, number | null, number, [number, number], object | null]>([
    ['a chain that holds', 'select', null, 10, [1, 4], null],
    ['the newest part', 'select', null, 2, [3, 4], null],
    ['a part that ends at a place', 'select', 2, 10, [1, 2], null],
    ['a place after the newest', 'select', 99, 2, [3, 4], null],
    ['a changed first entry', `update audit set action = 'x' where id = 'a'`, null, 10, [1, 4], changed(1, 'a')],
    ['a changed last entry', `update audit set action = 'x' where id = 'd'`, null, 1, [4, 4], changed(4, 'd')],
    ['a missing hash', `update audit set hash = null where id = 'c'`, null, 10, [1, 4], changed(3, 'c')],
    ['a change before the part', `update audit set action = 'x' where id = 'b'`, null, 2, [3, 4], null],
    ['the first of two faults', `update audit set action = 'x' where seq in (2, 4)`, null, 10, [1, 4], changed(2, 'b')],
    ['a missing entry', `delete from audit where id = 'c'`, null, 10, [1, 4], missing(3)],
    ['a missing first entry', `delete from audit where id = 'a'`, null, 10, [1, 4], missing(1)],
    ['a missing entry just before the part', `delete from audit where id = 'b'`, null, 2, [3, 4], missing(2)],
    ['a fault of another tenant', `update audit set action = 'x' where id = 'z'`, null, 10, [1, 4], null],
  ])('%s', async (_, tampering, to, most, [from, last], fault) => {
    await seal('ten a', 'ten b', 'ten c', 'ten d', 'tin z');
    await sql.query(tampering);
    expect(await check(to, most)).toMatchObject({ head: { id: 'd', seq: 4 }, from, to: last, waiting: 0, fault });
  });

  test('a chain without entries', async () => {
    expect(await check()).toEqual({ head: null, waiting: 0, from: null, to: null, fault: null });
    expect(await check(7)).toEqual({ head: null, waiting: 0, from: null, to: null, fault: null });
  });

  test('counts what waits for its place: acts, vends and groups, to a most', async () => {
    await put('ten a', 'tin b');
    await putVends('ten c', 'tin d');
    await putGroups('ten e f', 'tin g');
    expect(await check()).toMatchObject({ head: null, waiting: 4 });
    expect(await check(null, 3)).toMatchObject({ waiting: 3 });
  });

  test('tells the hash and the time of the newest entry', async () => {
    await seal('ten a');
    const [row] = await sql.query('select at, hash from audit');
    const { head } = (await check()) as { head: { hash: string; at: string } };
    expect(head.hash).toBe(Buffer.from(row!['hash'] as Uint8Array).toString('hex'));
    expect(new Date(head.at)).toEqual(row?.['at']);
  });

  test('serves the service, which may not compute hashes itself, for the tenant that it names', async () => {
    await seal('ten a', 'tin b');
    await sql.becomeService('ten');
    expect(await check()).toMatchObject({ head: { id: 'a' }, fault: null });
    expect(await check(null, 10, 'tun')).toMatchObject({ head: null, waiting: 0 });
  });

  test('reads no more than the part, and one entry before it', async () => {
    await seal('ten a', 'ten b', 'ten c', 'ten d');
    await sql.query(`update audit set hash = null where id = 'a'`);
    expect(await check(null, 2)).toMatchObject({ from: 3, fault: null });
    expect(await check(2, 2)).toMatchObject({ from: 1, to: 2, fault: changed(1, 'a') });
  });
});
