/** The functions of the journal. What it replays is done by functions of the folders that own the rows. */
import { limits } from '../../src/limits.ts';
import { inSeconds, SqlSession } from '../support/sql.ts';

type Row = Record<string, unknown>;

let sql: SqlSession;

const journal = '11111111-1111-4111-8111-111111111111';

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  await sql.insert('tenants', { id: 'ten' });
});
afterEach(() => sql.rollback());

const put = (id: string, row: Row = {}) => sql.insert('journal_entries', { tenant_id: 'ten', id, ...row });
const begin = (position = 0) => sql.insert('journal_state', { journal, position });
const state = async () => (await sql.query('select journal, position::int from journal_state'))[0];
const left = async () => (await sql.query('select id from journal_entries order by id')).map(({ id }) => id);

describe('begin_journal', () => {
  test('gives the database a journal once', async () => {
    await sql.call('begin_journal', { journal });
    await sql.call('begin_journal', { journal: '22222222-2222-4222-8222-222222222222' });
    expect(await state()).toEqual({ journal, position: 0 });
  });
});

describe('end_journal', () => {
  test('takes the journal, and what is not stored', async () => {
    await begin(7);
    await put('aud');
    await sql.call('end_journal', {});
    expect([await state(), await left()]).toEqual([undefined, []]);
  });
});

describe('note_in_journal', () => {
  const entry = {
    tenant: 'ten',
    id: 'aud',
    caller: { kind: 'apiKey', id: 'key' },
    action: 'apiKey.revoke',
    space: null,
    user: null,
    subject: 'key_1',
    details: {} as Row,
  };
  const note = (changed: Partial<typeof entry> = {}) => sql.call('note_in_journal', { ...entry, ...changed });

  test('notes nothing without a journal', async () => {
    await note();
    expect(await left()).toEqual([]);
  });

  test.each<[string, Row, boolean]>([
    ['apiKey.revoke', {}, true],
    ['apiKey.create', {}, false],
    ['space.create', {}, false],
    ['tenant.update', { status: 'suspended' }, true],
    ['tenant.update', { name: 'Acme' }, false],
    ['journal.replay', {}, false],
  ])('%s with %j: %s', async (action, details, isNoted) => {
    await begin();
    await note({ action, details });
    expect(await left()).toEqual(isNoted ? ['aud'] : []);
  });

  test('is what write_audit_entry does', async () => {
    await begin();
    await sql.call('write_audit_entry', { ...entry, request: 'test' });
    const [row] = await sql.query('select caller, action, subject, details, more from journal_entries');
    const { caller, action, subject, details } = entry;
    expect(row).toEqual({ caller, action, subject, details, more: {} });
  });

  test('notes the grants that a ban is against, and the row of an issuer', async () => {
    await begin();
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc' });
    await sql.insert('actions', { tenant_id: 'ten', id: 'act' });
    await sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', id: 'grt', state: 'watched' });
    await sql.insert('holds', { tenant_id: 'ten', space_id: 'spc', grant_id: 'grt', action_id: 'act' });
    await sql.insert('issuers', { tenant_id: 'ten', id: 'iss', version: 4 });
    await note({ action: 'ban.create', subject: 'ban', details: { action: 'act' } });
    await note({ action: 'grants.revoke', subject: 'act', id: 'aud_2' });
    await note({ action: 'issuer.update', subject: 'iss', id: 'aud_3' });
    const rows = await sql.query('select more from journal_entries order by id');
    expect(rows.map(({ more }) => more)).toMatchObject([
      { grants: [{ id: 'grt' }] },
      { grants: [{ id: 'grt' }] },
      { issuer: { id: 'iss', version: 4 } },
    ]);
  });
});

describe('journal_backlog', () => {
  const backlog = (most = 10) => sql.value<Row>('journal_backlog', { most });

  test('without a journal and without entries', async () => {
    expect(await backlog()).toEqual({ journal: null, position: null, oldestSeconds: null, entries: [] });
  });

  test('has the oldest entries of all tenants, in their order', async () => {
    await begin(7);
    await put('aud_b', { at: inSeconds(-60), user_id: 'ann', details: { n: 1 } });
    await put('aud_a', { tenant_id: 'ten_other' });
    await put('aud_c');
    await sql.become('stagedoor_test_service');
    const { entries, oldestSeconds, ...rest } = await backlog(2);
    expect(rest).toEqual({ journal, position: 7 });
    expect(oldestSeconds).toBeGreaterThanOrEqual(60);
    expect(entries).toMatchObject([
      { tenantId: 'ten', id: 'aud_b', action: 'ban.create', userId: 'ann', details: { n: 1 }, more: {} },
      { tenantId: 'ten_other', id: 'aud_a' },
    ]);
  });
});

describe('note_journal_part', () => {
  const note = (position: number, entries: string[], changed: Row = {}) =>
    sql.value('note_journal_part', { journal, position, entries, isReplayed: false, ...changed });

  beforeEach(async () => {
    await begin(7);
    for (const id of ['a', 'b', 'c']) await put(id);
  });

  test.each<[string, Parameters<typeof note>, boolean, number, string[]]>([
    ['the next part', [8, ['a', 'c']], true, 8, ['b']],
    ['a part that is noted already', [7, ['x']], true, 7, ['a', 'b', 'c']],
    ['a part that has an entry of another database', [8, ['a', 'x']], false, 7, ['a', 'b', 'c']],
    ['a part that was replayed', [8, ['a', 'x'], { isReplayed: true }], true, 8, ['b', 'c']],
    ['a part after one that is missing', [9, ['a']], false, 7, ['a', 'b', 'c']],
    [
      'a part of another journal',
      [8, ['a'], { journal: '22222222-2222-4222-8222-222222222222' }],
      false,
      7,
      ['a', 'b', 'c'],
    ],
  ])('%s', async (_, args, isNoted, position, ids) => {
    expect(await note(...args)).toBe(isNoted);
    expect([(await state())?.['position'], await left()]).toEqual([position, ids]);
  });

  test('without a journal', async () => {
    await sql.query('delete from journal_state');
    expect(await note(1, ['a'])).toBe(false);
  });
});

describe('replay_entry', () => {
  const entry = {
    tenantId: 'ten',
    id: 'aud_old',
    at: '2026-03-01T19:00:00+00:00',
    action: 'apiKey.revoke',
    subject: 'key',
    details: {},
  };
  const replay = (changed: Row = {}) =>
    sql.value('replay_entry', { entry: { ...entry, ...changed }, auditEntry: 'aud_new', action: 'act_new', limits });

  test('does it as the service that it is, and tells the audit log', async () => {
    await sql.insert('api_keys', { tenant_id: 'ten', id: 'key' });
    await begin();
    await sql.become('stagedoor_test_service');
    expect(await replay()).toBe('replayed');
    expect(await replay()).toBe('known');
    expect(await sql.query('select id, caller, action, subject, details from audit')).toEqual([
      {
        id: 'aud_new',
        caller: { kind: 'system', id: 'restore' },
        action: 'journal.replay',
        subject: 'key',
        details: { action: 'apiKey.revoke', at: entry.at, entry: 'aud_old' },
      },
    ]);
    expect(await sql.query('select from journal_entries')).toEqual([]);
  });

  test.each([
    'ban.create',
    'ban.lift',
    'ban.outranked',
    'grants.revoke',
    'apiKey.revoke',
    'apiKey.rotate',
    'signingKey.delete',
    'issuer.update',
    'issuer.delete',
    'consoleUser.put',
    'consoleUser.delete',
    'consoleIssuer.delete',
    'consoleSession.end',
    'member.put',
    'member.delete',
    'role.change',
    'tenant.update',
    'webhook.delete',
  ])('%s about things that the database does not have changes nothing', async (action) => {
    const details = { action: 'act', status: 'active', role: 'viewer' };
    expect(await replay({ action, spaceId: 'spc_gone', userId: 'ann', subject: 'gone', details, caller: {} })).toBe(
      'known',
    );
    expect(await sql.query('select from audit')).toEqual([]);
  });

  test('a tenant that the database does not have', async () => {
    expect(await replay({ tenantId: 'ten_gone' })).toBe('unknown tenant');
  });

  test('a change of role revokes what was vended before it', async () => {
    await sql.insert('roles', { tenant_id: 'ten', name: 'viewer' });
    await sql.insert('roles', { tenant_id: 'ten', name: 'host' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc' });
    await sql.insert('members', { tenant_id: 'ten', space_id: 'spc', user_id: 'ann', role: 'host' });
    await sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', id: 'grt', issued_at: inSeconds(-60) });
    const [{ at } = {}] = await sql.query('select now() as at');
    const change = {
      action: 'member.put',
      at,
      spaceId: 'spc',
      userId: 'ann',
      subject: null,
      details: { role: 'viewer' },
      caller: {},
    };
    expect(await replay(change)).toBe('replayed');
    expect(await sql.query('select action_id, grant_id from holds')).toEqual([
      { action_id: 'act_new', grant_id: 'grt' },
    ]);
  });
});
