/** `seal_audit` and `verify_audit`: the hash chain of a tenant, made and checked. */
import { SqlSession } from '../../support/sql.ts';

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

/** Tenant, id and place of every entry, in the order of the chains. */
async function chains(): Promise<unknown[]> {
  const rows = await sql.query(
    `select concat_ws(' ', tenant_id, id, seq, case when hash is null then 'open' end) as row
       from audit order by tenant_id, seq nulls last, id`,
  );
  return rows.map(({ row }) => row);
}

describe('seal_audit', () => {
  test.each<[string, string[], number, string, string[]]>([
    ['nothing', [], 10, '0', []],
    ['entries in the order of their ids', ['ten b', 'ten a'], 10, '2', ['ten a 1', 'ten b 2']],
    ['each tenant for itself', ['ten a', 'tin b', 'ten c'], 10, '3', ['ten a 1', 'ten c 2', 'tin b 1']],
    ['as many as the limit', ['ten a', 'ten b'], 2, '2', ['ten a 1', 'ten b 2']],
    ['no more than the limit', ['ten a', 'ten b', 'tin c'], 2, '2', ['ten a 1', 'ten b 2', 'tin c open']],
    ['nothing with a limit of 0', ['ten a'], 0, '0', ['ten a open']],
  ])('seals %s', async (_, ids, limit, count, after) => {
    await put(...ids);
    expect(await sql.value('seal_audit', { limit })).toBe(count);
    expect(await chains()).toEqual(after);
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
      await sql.commit();
      await sql.begin();
      await other.begin();
    });
    afterEach(async () => {
      await other.rollback();
      await sql.rollback();
      await sql.query('delete from audit');
      await sql.begin();
    });

    test('does nothing while the other one seals, and does not wait for it', async () => {
      expect(await sql.value('seal_audit', { limit: 10 })).toBe('1');
      const sealed: unknown[] = [];
      const seal = async (): Promise<void> => void sealed.push(await other.value('seal_audit', { limit: 10 }));
      expect(await other.hasToWait(seal)).toBe(false);
      expect(sealed).toEqual(['0']);
    });

    test('seals what the other one did not get to commit', async () => {
      expect(await sql.value('seal_audit', { limit: 10 })).toBe('1');
      await sql.rollback();
      expect(await other.value('seal_audit', { limit: 10 })).toBe('1');
      await sql.begin();
    });
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
