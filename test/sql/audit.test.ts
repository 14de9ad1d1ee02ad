/** The functions that write audit entries and compute their hashes. */
import { createHash } from 'node:crypto';
import { inSeconds, SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

describe('write_audit_entry', () => {
  const entry = {
    tenant: 'ten',
    id: 'aud',
    caller: { kind: 'apiKey', id: 'key' },
    action: 'ban.create',
    space: 'spc' as string | null,
    user: 'ann' as string | null,
    subject: 'ban' as string | null,
    details: { reason: 'spam' },
    request: 'request',
  };

  test.each<[string, Partial<typeof entry>]>([
    ['everything', {}],
    ['nothing that may be null', { space: null, user: null, subject: null, details: {} as { reason: string } }],
  ])('writes an entry with %s, that has no place in the chain yet', async (_, changed) => {
    const given = { ...entry, ...changed };
    await sql.call('write_audit_entry', given);
    expect(await sql.query('select *, at = now()::timestamptz(3) as is_now from audit')).toEqual([
      {
        tenant_id: 'ten',
        id: 'aud',
        at: expect.any(Date),
        is_now: true,
        caller: given.caller,
        action: 'ban.create',
        space_id: given.space,
        user_id: given.user,
        subject: given.subject,
        details: given.details,
        request_id: 'request',
        seq: null,
        hash: null,
      },
    ]);
  });

  test('refuses a second entry with the same id, and one without details', async () => {
    await expect(sql.call('write_audit_entry', { ...entry, details: null })).rejects.toMatchObject({ code: '23502' });
    await sql.rollback();
    await sql.begin();
    await sql.call('write_audit_entry', entry);
    await expect(sql.call('write_audit_entry', entry)).rejects.toMatchObject({ code: '23505' });
  });

  test('writes for the service into the tenant that it is in, and into no other', async () => {
    await sql.becomeService('ten');
    await sql.call('write_audit_entry', entry);
    await expect(sql.call('write_audit_entry', { ...entry, tenant: 'ten_other' })).rejects.toMatchObject({
      code: '42501',
    });
  });
});

describe('write_vend_entries', () => {
  const vend = {
    tenant_id: 'ten',
    id: 'aud',
    caller: { kind: 'apiKey', id: 'key' },
    action: 'space.join',
    space_id: 'spc',
    user_id: 'ann',
    role: 'host',
    stage_grant: 'grt_s',
    chat_grant: null,
    request_id: 'request',
  };
  const write = async (...vends: Row[]): Promise<void> =>
    void (await sql.valueOf('write_vend_entries', 'array(select jsonb_populate_recordset(null::unsealed_vends, $1))', [
      JSON.stringify(vends),
    ]));

  test('records each vend, at the time of the database', async () => {
    await write(
      { ...vend, at: '2020-01-01T00:00:00Z' },
      { ...vend, id: 'aud_2', stage_grant: null, chat_grant: 'grt_c' },
    );
    const found = await sql.query(
      'select v.*, v.at = now()::timestamptz(3) as is_now from unsealed_groups as g, vends_of_group(g) as v order by v.id',
    );
    const written = { ...vend, at: expect.any(Date), is_now: true };
    expect(await sql.query('select id from unsealed_groups')).toEqual([{ id: 'aud' }]);
    expect(found).toEqual([written, { ...written, id: 'aud_2', stage_grant: null, chat_grant: 'grt_c' }]);
  });

  test('writes no caller who is the user themselves', async () => {
    await write(
      { ...vend, caller: { kind: 'user', id: 'ann' } },
      { ...vend, id: 'aud_2', caller: { kind: 'user', id: 'ben' } },
    );
    expect(await sql.query('select v.caller from unsealed_groups as g, vends_of_group(g) as v order by v.id')).toEqual([
      { caller: null },
      { caller: { kind: 'user', id: 'ben' } },
    ]);
  });

  test('refuses a second vend with the same id, and writes into no other tenant than the service is in', async () => {
    await sql.becomeService('ten');
    await write(vend);
    await sql.query('savepoint written');
    await expect(write(vend)).rejects.toMatchObject({ code: '23505' });
    await sql.query('rollback to written');
    await expect(write({ ...vend, tenant_id: 'ten_other' })).rejects.toMatchObject({ code: '42501' });
  });
});

const emptyVend = { tenant_id: 'ten', id: 'aud', at: expect.any(Date), caller: null, chat_grant: null };
const readGroup = (vends: unknown) =>
  sql.rowsOf('vends_of_group', `(select row('ten', 'aud', now(), $1::jsonb)::unsealed_groups)`, [
    JSON.stringify(vends),
  ]);

describe('group_of_vends', () => {
  test('writes vends as vends_of_group reads them', async () => {
    const vends = [
      {
        ...emptyVend,
        id: 'a',
        action: 'space.join',
        space_id: 's',
        user_id: 'u',
        role: 'r',
        stage_grant: 'g',
        request_id: 'q',
      },
      {
        ...emptyVend,
        id: 'b',
        action: 'x',
        space_id: 's',
        user_id: 'v',
        role: 'r',
        stage_grant: null,
        chat_grant: 'h',
        caller: { kind: 'apiKey', id: 'k' },
        request_id: 'q',
      },
    ];
    const written = await sql.valueOf(
      'group_of_vends',
      'array(select jsonb_populate_recordset(null::unsealed_vends, $1))',
      [JSON.stringify(vends.map((vend) => ({ ...vend, at: '2020-01-01T00:00:00Z' })))],
    );
    expect(await readGroup(written)).toEqual(vends);
  });
});

describe('vends_of_group', () => {
  test('gives what is missing a value that an audit entry may have', async () => {
    const nothing = {
      ...emptyVend,
      action: '',
      space_id: null,
      user_id: null,
      role: null,
      stage_grant: null,
      request_id: '',
    };
    expect(await readGroup([[], { id: 'x' }, null])).toEqual([1, 2, 3].map((n) => ({ ...nothing, id: `aud_${n}` })));
  });
});

describe('entry_of_vend', () => {
  test.each<[string, Row, Row]>([
    ['a stage token', {}, { details: { role: 'viewer', stageGrant: 'grt_s' } }],
    ['both tokens', { chat_grant: 'grt_c' }, { details: { role: 'viewer', stageGrant: 'grt_s', chatGrant: 'grt_c' } }],
    ['a chat token', { stage_grant: null, chat_grant: 'grt_c' }, { details: { role: 'viewer', chatGrant: 'grt_c' } }],
    ['the user themselves', { caller: null }, { caller: { kind: 'user', id: 'ann' } }],
  ])('is the entry of a vend, for %s', async (_, given, expected) => {
    const key = { kind: 'apiKey', id: 'key' };
    const vend = await sql.insert('unsealed_vends', { tenant_id: 'ten', caller: key, stage_grant: 'grt_s', ...given });
    expect(await sql.rowsOf('entry_of_vend', '(select v from unsealed_vends v)')).toEqual([
      {
        tenant_id: 'ten',
        id: vend['id'],
        at: vend['at'],
        caller: key,
        action: 'grant.vend',
        space_id: vend['space_id'],
        user_id: 'ann',
        subject: null,
        details: { role: 'viewer', stageGrant: 'grt_s' },
        request_id: 'request',
        seq: null,
        hash: null,
        ...expected,
      },
    ]);
  });
});

describe('rename_taken_vends', () => {
  test('gives another id to the vends among these whose id an entry of the tenant has', async () => {
    for (const id of ['a', 'b', 'c']) await sql.insert('unsealed_vends', { tenant_id: 'ten', id });
    for (const row of [
      { tenant_id: 'ten', id: 'a' },
      { tenant_id: 'ten', id: 'c' },
      { tenant_id: 'tin', id: 'b' },
    ])
      await sql.insert('audit', row);
    const some = `array(select entry_of_vend(v) from unsealed_vends v where id in ('a', 'b'))`;
    expect(await sql.valueOf('rename_taken_vends', some)).toBe('1');
    const ids = await sql.query('select id from unsealed_vends order by id');
    expect(ids).toEqual([{ id: expect.stringMatching(/^a_./) }, { id: 'b' }, { id: 'c' }]);
  });
});

describe('rename_taken_vends of groups', () => {
  test('gives another id to vends whose id an entry has, or another vend among these', async () => {
    const group = (id: string, ...ids: string[]) =>
      sql.query('insert into unsealed_groups (tenant_id, id, vends) values ($1, $2, $3)', [
        'ten',
        id,
        JSON.stringify(ids.map((own) => [own])),
      ]);
    await group('a', 'a', 'b');
    await group('c', 'c', 'd');
    await group('e', 'e', 'd');
    await sql.insert('audit', { tenant_id: 'ten', id: 'a' });
    await sql.insert('audit', { tenant_id: 'tin', id: 'c' });
    const all = 'array(select entry_of_vend(v) from unsealed_groups as g, vends_of_group(g) as v)';
    expect(await sql.valueOf('rename_taken_vends', all)).toBe('3');
    const ids = await sql.query('select v.id from unsealed_groups as g, vends_of_group(g) as v order by v.id');
    expect(ids.map(({ id }) => String(id).replace(/_.*/, '_'))).toEqual(['a_', 'b', 'c', 'd_', 'd_', 'e']);
    expect(new Set(ids.map(({ id }) => id)).size).toBe(6);
  });
});

describe('audit_digest', () => {
  const entry = {
    tenant_id: 'ten',
    seq: 7,
    id: 'aud',
    at: '2026-07-01T12:00:00.123Z',
    caller: { kind: 'apiKey', id: 'key' },
    action: 'ban.create',
    space_id: 'spc',
    user_id: 'ann',
    subject: null,
    details: { reason: 'spam', count: 2 },
    request_id: 'request',
  };

  async function digest(changed: Row = {}, previous: Buffer | null = null): Promise<string> {
    const args = '$1, jsonb_populate_record(null::audit, $2)';
    return (await sql.valueOf<Buffer>('audit_digest', args, [previous, { ...entry, ...changed }])).toString('hex');
  }

  test('is the SHA-256 of the hash before and of every column, in a form that anybody can build', async () => {
    const text =
      '["ten", 7, "aud", 1782907200.123, {"id": "key", "kind": "apiKey"}, "ban.create", "spc", "ann", null, ' +
      '{"count": 2, "reason": "spam"}, "request"]';
    const previous = Buffer.from('0102', 'hex');
    expect(await digest()).toBe(createHash('sha256').update(text).digest('hex'));
    expect(await digest({}, previous)).toBe(createHash('sha256').update(previous).update(text).digest('hex'));
  });

  test.each<[string, Row]>([
    ['tenant_id', { tenant_id: 'ten_other' }],
    ['seq', { seq: 8 }],
    ['id', { id: 'aud_other' }],
    ['at', { at: '2026-07-01T12:00:00.124Z' }],
    ['caller', { caller: { kind: 'apiKey', id: 'key_other' } }],
    ['action', { action: 'ban.lift' }],
    ['space_id', { space_id: null }],
    ['user_id', { user_id: 'ben' }],
    ['subject', { subject: 'ban' }],
    ['details', { details: { reason: 'spam', count: 3 } }],
    ['request_id', { request_id: 'another' }],
  ])('covers the column %s', async (_, changed) => {
    expect(await digest(changed)).not.toBe(await digest());
  });

  test('does not cover the hash itself', async () => {
    expect(await digest({ hash: '\\x00' })).toBe(await digest());
  });

  test.each([
    `set local time zone 'Asia/Tokyo'`,
    `set local datestyle = 'SQL, DMY'`,
    'set local extra_float_digits = -3',
  ])('does not depend on a setting: %s', async (setting) => {
    const before = await digest();
    await sql.query(setting);
    expect(await digest()).toBe(before);
  });

  test('is not for the service', async () => {
    await sql.insert('audit', { tenant_id: 'ten', at: inSeconds(0) });
    await sql.becomeService('ten');
    await expect(digest()).rejects.toMatchObject({ code: '42501' });
  });
});
