/** The functions that read limits, and those that take locks. */
import { SqlSession } from '../support/sql.ts';

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
  await other.begin();
});
afterEach(async () => {
  await other.rollback();
  await sql.rollback();
});

const missing: [string, object][] = [
  ['a limit that is not there', { other: 3 }],
  ['a limit that is null', { most: null }],
  ['no limits at all', {}],
];

describe('limit_count', () => {
  test.each([3, 0, 1_000_000])('reads %d', async (count) => {
    expect(await sql.value('limit_count', { limits: { most: count, other: 7 }, name: 'most' })).toBe(count);
  });

  test.each(missing)('raises an error about %s', async (_, limits) => {
    await expect(sql.value('limit_count', { limits, name: 'most' })).rejects.toThrow('the limit most was not passed');
  });

  test.each(['many', '1.5', ''])('raises an error about a limit that is no whole number: %p', async (most) => {
    await expect(sql.value('limit_count', { limits: { most }, name: 'most' })).rejects.toThrow(
      'invalid input syntax for type integer',
    );
  });
});

describe('limit_time', () => {
  test.each<[number, Record<string, number>]>([
    [0, {}],
    [1, { seconds: 1 }],
    [0.25, { milliseconds: 250 }],
    [90, { minutes: 1, seconds: 30 }],
    [15 * 24 * 3600, { hours: 360 }],
  ])('reads %d as seconds', async (seconds, time) => {
    const read = await sql.value<object>('limit_time', { limits: { most: seconds, other: 7 }, name: 'most' });
    expect({ ...read }).toEqual(time);
  });

  test.each(missing)('raises an error about %s', async (_, limits) => {
    await expect(sql.value('limit_time', { limits, name: 'most' })).rejects.toThrow('the limit most was not passed');
  });
});

describe('lock_key', () => {
  const key = (name: string, parts: (string | null)[]) =>
    sql.value<string>('lock_key', { class: name, parts: parts as string[] });

  test('gives the same key for the same thing', async () => {
    expect(await key('user', ['ten', 'ann'])).toBe(await key('user', ['ten', 'ann']));
  });

  test.each<[string, string, (string | null)[]]>([
    ['another class', 'space', ['ten', 'ann']],
    ['another user', 'user', ['ten', 'ben']],
    ['the same user of another tenant', 'user', ['ten_other', 'ann']],
    ['parts that are the same when they are joined', 'user', ['tena', 'nn']],
    ['a user whose id is that of two parts with a line break', 'user', ['ten\nann']],
    ['a user whose id looks like two elements', 'user', ['ten,ann']],
    ['a user whose id looks like two quoted elements', 'user', ['ten","ann']],
    ['a user whose id has a backslash before a quote', 'user', ['ten\\","ann']],
    ['a class that takes a part with it', 'user,ten', ['ann']],
    ['no user', 'user', ['ten']],
    ['an empty user', 'user', ['ten', '']],
    ['a null user', 'user', ['ten', null]],
    ['a user with the name null', 'user', ['ten', 'NULL']],
    ['a user whose id has another case', 'user', ['ten', 'Ann']],
    ['no parts', 'user', []],
  ])('gives another key for %s', async (_, name, parts) => {
    const found = await key(name, parts);
    expect(found).toMatch(/^-?\d+$/);
    for (const beside of ['ann', 'NULL,NULL']) expect(found).not.toBe(await key('user', ['ten', beside]));
    if (parts.at(-1) === null) expect(found).not.toBe(await key('user', ['ten', 'NULL']));
  });

  test('differs between two databases, so nobody can look for a key outside of one', async () => {
    const elsewhere = await SqlSession.start();
    try {
      await elsewhere.query('update lock_salt set salt = sha256(salt)');
      const theirs = await elsewhere.value('lock_key', { class: 'sealer', parts: [] });
      expect(await key('sealer', [])).not.toBe(theirs);
    } finally {
      await elsewhere.stop();
    }
  });

  test('raises an error without the salt, because no key would mean no lock', async () => {
    await sql.query('delete from lock_salt');
    await expect(key('user', ['ten', 'ann'])).rejects.toMatchObject({ code: 'P0002' });
  });

  test('serves the service, which cannot change the salt', async () => {
    const before = await key('user', ['ten', 'ann']);
    await sql.becomeService('ten');
    expect(await key('user', ['ten', 'ann'])).toBe(before);
    await expect(sql.query(`update lock_salt set salt = ''`)).rejects.toMatchObject({ code: '42501' });
  });
});

describe.each<[string, (session: SqlSession, exclusive: boolean) => Promise<unknown>]>([
  ['lock_user', (session, exclusive) => session.call('lock_user', { tenant: 'ten', user: 'ann', exclusive })],
  ['take_lock', (session, exclusive) => session.call('take_lock', { class: 'a', parts: ['ten', 'ann'], exclusive })],
])('%s beside another transaction', (_, lock) => {
  test.each([
    [true, true, true],
    [true, false, true],
    [false, true, true],
    [false, false, false],
  ])('exclusive %p, then exclusive %p: waits %p', async (first, second, waits) => {
    await lock(sql, first);
    expect(await other.hasToWait(() => lock(other, second))).toBe(waits);
    await sql.rollback();
    expect(await other.hasToWait(() => lock(other, second))).toBe(false);
    await sql.begin();
  });
});

describe('take_lock', () => {
  test('does not wait for the lock of another class or of another thing', async () => {
    await sql.call('take_lock', { class: 'user', parts: ['ten', 'ann'], exclusive: true });
    const take = (name: string, parts: string[]) => () =>
      other.call('take_lock', { class: name, parts, exclusive: true });
    expect(await other.hasToWait(take('space', ['ten', 'ann']))).toBe(false);
    expect(await other.hasToWait(take('user', ['ten_other', 'ann']))).toBe(false);
    expect(await other.hasToWait(take('user', ['ten', 'ann']))).toBe(true);
  });
});

describe('try_lock', () => {
  test.each([
    [true, true, false],
    [true, false, false],
    [false, true, false],
    [false, false, true],
  ])('exclusive %p, then exclusive %p: gets it %p, and does not wait', async (first, second, gets) => {
    const lock = (session: SqlSession, exclusive: boolean) =>
      session.value('try_lock', { class: 'action', parts: ['ten', 'act'], exclusive });
    expect(await lock(sql, first)).toBe(true);
    expect(await lock(other, second)).toBe(gets);
    await sql.rollback();
    expect(await lock(other, second)).toBe(true);
    await sql.begin();
  });
});

describe('try_locks', () => {
  const take = (session: SqlSession, names: string[], exclusive: boolean, tenant = 'ten') =>
    session.value<string[]>('try_locks', { class: 'user', tenant, names, exclusive });

  test.each<[boolean, boolean, string[]]>([
    [true, true, ['cleo']],
    [true, false, ['cleo']],
    [false, true, ['cleo']],
    [false, false, ['ann', 'ben', 'cleo']],
  ])('takes what is free and waits for nothing (exclusive: first %p, then %p)', async (first, second, got) => {
    expect(await take(sql, ['ann', 'ben'], first)).toEqual(['ann', 'ben']);
    expect(
      await other.hasToWait(async () => expect(await take(other, ['ann', 'ben', 'cleo'], second)).toEqual(got)),
    ).toBe(false);
    expect(await take(other, ['ann'], true, 'ten_other')).toEqual(['ann']);
  });

  test('takes the locks of take_lock, until the transaction ends', async () => {
    await take(sql, ['ann'], true);
    const wait = () => other.call('lock_user', { tenant: 'ten', user: 'ann', exclusive: false });
    expect(await other.hasToWait(wait)).toBe(true);
    await sql.rollback();
    await sql.begin();
    expect(await other.hasToWait(wait)).toBe(false);
  });
});
