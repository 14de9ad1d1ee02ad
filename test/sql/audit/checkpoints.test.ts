/** The functions that find places of the hash chain to sign, and delete entries before such a place. */
import { rowsReadBy } from '../../support/rows-read.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

const day = 24 * 3600;

/** Writes entries of `ten` that are so many days old, and puts them into its chain. */
async function chain(...days: number[]): Promise<void> {
  for (const age of days) await sql.insert('audit', { tenant_id: 'ten', at: inSeconds(-age * day) });
  while ((await sql.value('seal_audit', { limit: 100 })) !== '0');
}

async function hashAt(seq: number): Promise<Buffer> {
  const [row] = await sql.query<{ hash: Buffer }>(`select hash from audit where tenant_id = 'ten' and seq = $1`, [seq]);
  return row?.hash ?? Buffer.alloc(0);
}

async function checkpoint(seq: number, isCut = false, more = {}): Promise<void> {
  await sql.insert('audit_checkpoints', { tenant_id: 'ten', seq, is_cut: isCut, hash: await hashAt(seq), ...more });
}

const tamper = (seq: number) => sql.query(`update audit set action = 'x' where tenant_id = 'ten' and seq = $1`, [seq]);

/** Rows with numbers instead of texts. Of the hash, they say whether it is that of the entry at the place. */
async function rows(found: Promise<Record<string, unknown>[]>): Promise<unknown[]> {
  return await Promise.all(
    (await found).map(async ({ after, seq, hash, ...rest }) => ({
      ...(after !== undefined && { after: Number(after) }),
      seq: Number(seq),
      isHash: hash !== null && (hash as Buffer).equals(await hashAt(Number(seq))),
      ...rest,
    })),
  );
}

const good = { isHash: true, id: null, problem: null };

describe('verify_part', () => {
  const part = async (after: number, most: number | null = null) =>
    await rows(sql.call('verify_part', { tenant: 'ten', after, hash: after === 0 ? null : await hashAt(after), most }));

  test('returns the last place of the part, and the first one that is wrong', async () => {
    await chain(3, 2, 1);
    expect(await part(0)).toEqual([{ seq: 3, ...good }]);
    expect(await part(1, 1)).toEqual([{ seq: 2, ...good }]);
    expect(await part(3)).toEqual([{ seq: 3, ...good }]);
    await tamper(2);
    expect(await part(0, 1)).toEqual([{ seq: 1, ...good }]);
    expect(await part(0)).toMatchObject([{ seq: 2, problem: 'row changed' }]);
    await sql.query('delete from audit where seq = 2');
    expect(await part(0)).toEqual([{ seq: 2, isHash: false, id: null, problem: 'row missing' }]);
  });

  test('finds a chain that somebody has computed anew', async () => {
    await chain(2, 1);
    await checkpoint(1);
    expect(await part(0)).toEqual([{ seq: 2, ...good }]);
    await sql.query(`update audit set action = 'x', seq = null, hash = null where tenant_id = 'ten'`);
    await chain();
    expect(await part(0)).toMatchObject([{ seq: 1, problem: 'differs from its checkpoint' }]);
  });
});

describe('oldest_place', () => {
  test('is the beginning of the chain, or the cut before the oldest entry', async () => {
    const place = async () => {
      const [found] = await sql.call('oldest_place', { tenant: 'ten' });
      return [Number(found?.['seq']), found?.['hash']];
    };
    expect(await place()).toEqual([0, null]);
    await chain(3, 2, 1);
    expect(await place()).toEqual([0, null]);
    const hash = await hashAt(2);
    await checkpoint(2);
    await sql.query('delete from audit where seq < 3');
    expect(await place()).toEqual([2, null]); // nobody has cut it there
    await sql.insert('audit_checkpoints', { tenant_id: 'ten', seq: 2, is_cut: true, hash });
    expect(await place()).toEqual([2, hash]);
  });
});

describe('next_checkpoint', () => {
  const next = (most = 2) => rows(sql.call('next_checkpoint', { tenant: 'ten', age: '1 hour', most }));

  test('is due once there are entries, then after so many more, or after some time', async () => {
    expect(await next()).toEqual([]);
    await chain(9, 8, 7);
    expect(await next()).toEqual([{ seq: 2, ...good }]);
    await checkpoint(2);
    expect(await next()).toEqual([]); // one more entry, and the last one was signed just now
    await sql.query(`update audit_checkpoints set at = at - interval '2 hours'`);
    expect(await next()).toEqual([{ seq: 3, ...good }]);
    await checkpoint(3);
    expect(await next()).toEqual([]);
    await chain(1, 1);
    expect(await next()).toEqual([{ seq: 5, ...good }]);
  });

  test('is never past an entry that was changed', async () => {
    await chain(3, 2);
    await tamper(2);
    expect(await next()).toMatchObject([{ seq: 2, problem: 'row changed' }]);
  });
});

describe('next_cut', () => {
  const next = (days: number, most = 10) =>
    rows(sql.call('next_cut', { tenant: 'ten', before: new Date(Date.now() - days * day * 1_000), most }));

  test('is the last of the oldest entries that are old enough, but not the newest of all', async () => {
    expect(await next(1)).toEqual([]);
    await chain(50, 49, 40, 49, 30);
    expect(await next(60)).toEqual([]);
    expect(await next(45)).toEqual([{ after: 0, seq: 2, ...good }]);
    expect(await next(35, 3)).toEqual([{ after: 0, seq: 3, ...good }]);
    expect(await next(35)).toEqual([{ after: 0, seq: 4, ...good }]);
    expect(await next(1)).toEqual([{ after: 0, seq: 4, ...good }]);
  });

  test('goes on from the cut before, and stops where the chain is broken', async () => {
    await chain(50, 49, 48, 47);
    await checkpoint(2, true);
    await sql.query('delete from audit where seq <= 2');
    expect(await next(40)).toEqual([{ after: 2, seq: 3, ...good }]);
    await tamper(3);
    expect(await next(40)).toMatchObject([{ after: 2, seq: 3, problem: 'row changed' }]);
  });

  test('looks at few entries while none is old enough', async () => {
    await chain(...Array.from({ length: 100 }, () => 10));
    expect(await next(20, 100)).toEqual([]);
    expect(await rowsReadBy(sql, 'audit', () => next(20, 100))).toBeLessThan(20);
  });
});

describe('drop_audit', () => {
  const drop = (seq: number) => sql.value('drop_audit', { tenant: 'ten', seq });
  const left = async () => (await sql.query('select seq from audit order by seq')).map(({ seq }) => Number(seq));

  test('deletes entries to a cut and the checkpoints before it, and the chain still holds', async () => {
    await chain(50, 49, 48, 1);
    await checkpoint(1);
    await checkpoint(2, true);
    await checkpoint(3);
    expect(await drop(2)).toBe(2);
    expect(await left()).toEqual([3, 4]);
    const checkpoints = await sql.query('select seq::int, is_cut from audit_checkpoints order by seq');
    expect(checkpoints).toEqual([
      { seq: 2, is_cut: true },
      { seq: 3, is_cut: false },
    ]);
    expect(await sql.call('verify_audit', { tenant: 'ten' })).toEqual([]);
    expect(await drop(2)).toBe(0);
    await chain(0);
    expect(await sql.call('verify_audit', { tenant: 'ten' })).toEqual([]);
    await sql.query('delete from audit where seq = 3');
    expect(await sql.call('verify_audit', { tenant: 'ten' })).toMatchObject([{ problem: 'row missing' }]);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['that nobody has cut', () => checkpoint(2)],
    ['with another hash', () => checkpoint(2, true, { hash: Buffer.from('other') })],
    ['of the last 30 days', () => checkpoint(3, true)],
    ['that is the newest', () => checkpoint(4, true)],
  ])('deletes nothing at a place %s', async (_, put) => {
    await chain(50, 49, 29, 40);
    await put();
    for (const seq of [1, 2, 3, 4]) expect(await drop(seq)).toBe(0);
  });
});

describe('audit_lines', () => {
  test('returns the entries from one place to another as JSON, in order', async () => {
    await chain(3, 2, 1);
    const found = await sql.call('audit_lines', { tenant: 'ten', after: 1, to: 3, most: 1 });
    const [entry] = await sql.query<{ id: string; at: Date }>('select id, at from audit where seq = 2');
    expect(found).toHaveLength(1);
    expect(JSON.parse(String(found[0]?.['line']))).toEqual({
      tenantId: 'ten',
      seq: 2,
      id: entry?.id,
      at: entry?.at.toISOString(),
      caller: { kind: 'apiKey', id: 'key_1' },
      action: 'test',
      spaceId: null,
      userId: null,
      subject: null,
      details: {},
      requestId: 'request',
      hash: (await hashAt(2)).toString('hex'),
    });
  });
});

describe('overdue_audit', () => {
  const days = async (kept: number) =>
    Math.round(
      (await sql.value<number>('overdue_audit', { tenant: 'ten', before: new Date(Date.now() - kept * day * 1_000) })) /
        day,
    );

  test('is the time for which the oldest entry is older than the tenant keeps entries', async () => {
    await chain(50, 45, 1);
    expect([await days(40), await days(49), await days(51)]).toEqual([10, 1, 0]);
  });

  test('is zero without an entry, and of the newest one, which stays', async () => {
    expect(await days(40)).toBe(0);
    await chain(50);
    expect(await days(40)).toBe(0);
  });
});
