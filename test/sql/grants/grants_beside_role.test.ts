/** `grants_beside_role`, as a table: what a user holds, what their new role allows, and what becomes of pending grants. */
import { limits } from '../../../src/limits.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  for (const tenant_id of ['ten', 'ten_other']) await sql.insert('tenants', { id: tenant_id });
  await sql.insert('roles', { tenant_id: 'ten', name: 'host' });
  await sql.insert('roles', {
    tenant_id: 'ten',
    name: 'viewer',
    stage_capabilities: ['SUBSCRIBE'],
    chat_capabilities: [],
  });
  await sql.insert('roles', { tenant_id: 'ten', name: 'reader', stage_ttl_seconds: null, chat_capabilities: [] });
});
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

const publish = { role: 'host', capabilities: ['PUBLISH', 'SUBSCRIBE'] };
const watch = { role: 'viewer', capabilities: ['SUBSCRIBE'] };
const send = { role: 'host', kind: 'chat', capabilities: ['SEND_MESSAGE'] };
const read = { role: 'viewer', kind: 'chat', capabilities: [] };

async function put(grant: Row): Promise<void> {
  await sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', ...grant });
}

async function beside(role: string | null): Promise<Row[]> {
  return await sql.call('grants_beside_role', { tenant: 'ten', space: 'spc', user: 'ann', role, limits });
}

async function states(): Promise<unknown[]> {
  return (await sql.query('select state from grants order by id')).map(({ state }) => state);
}

describe('grants_beside_role', () => {
  /** A grant, a role, and whether the grant allows more. */
  const pairs: [string, Row, string | null, boolean][] = [
    ['to publish, as host', publish, 'host', false],
    ['to publish, as viewer', publish, 'viewer', true],
    ['to watch, as viewer', watch, 'viewer', false],
    ['to watch, as a role without stages', watch, 'reader', true],
    ['to send, as host', send, 'host', false],
    ['to send, as viewer', send, 'viewer', true],
    ['to read, as a role without stages', read, 'reader', false],
    ['to read, without a role', read, null, true],
    ['to watch, without a role', watch, null, true],
    ['to watch, as a role that is not defined', watch, 'king', true],
  ];

  test.each(pairs)('a grant %s', async (_, grant, role, exceeds) => {
    await put({ id: 'a', ivs_user_id: 'p-ann', participant_id: 'p', ...grant });
    expect(await beside(role)).toEqual([
      {
        id: 'a',
        kind: grant['kind'] ?? 'stage',
        role: grant['role'],
        participant_id: 'p',
        ivs_user_id: 'p-ann',
        exceeds,
      },
    ]);
    expect(await states()).toEqual(['released']);
  });

  test.each(pairs)('a pending grant %s', async (_, grant, role, exceeds) => {
    await put({ id: 'a', ...grant, state: 'pending' });
    expect(await beside(role)).toEqual([]);
    expect(await states()).toEqual([exceeds ? 'refused' : 'pending']);
  });

  test.each<[string, Row]>([
    ['of somebody else', { user_id: 'ben' }],
    ['for another space', { space_id: 'spc_beside' }],
    ['at another tenant', { tenant_id: 'ten_other' }],
  ])('a grant %s is left alone', async (_, changed) => {
    await put({ id: 'a', ...publish, ...changed });
    await put({ id: 'b', ...publish, ...changed, state: 'pending' });
    expect(await beside(null)).toEqual([]);
    expect(await states()).toEqual(['released', 'pending']);
  });

  test.each<[string, Row, boolean]>([
    ['that is watched', { state: 'watched' }, true],
    ['that was refused', { state: 'refused' }, false],
    ['that was revoked', { state: 'revoked' }, true],
    ['of a chat that was revoked', { ...send, mint: null, state: 'revoked' }, false],
    [
      'of a stage that has expired: somebody may have stayed',
      { session_expires_at: inSeconds(-60), expires_at: inSeconds(-60) },
      true,
    ],
    [
      'of a chat whose session is over',
      { ...send, session_expires_at: inSeconds(-60), expires_at: inSeconds(-60) },
      false,
    ],
  ])('a grant %s', async (_, grant, listed) => {
    await put({ id: 'a', ...publish, ...grant });
    expect(await beside('viewer')).toHaveLength(listed ? 1 : 0);
    expect(await states()).toEqual([grant['state'] ?? 'released']);
  });

  test('lists the newest first, the higher id of two of one moment', async () => {
    const issuedAt = new Date(Date.now() - 60_000);
    await put({ id: 'a', issued_at: issuedAt, ...publish });
    await put({ id: 'c', issued_at: issuedAt, ...send });
    await put({ id: 'b', issued_at: inSeconds(-30), ...watch });
    await put({ id: 'd', issued_at: inSeconds(-90), ...watch });
    expect((await beside('viewer')).map(({ id, exceeds }) => [id, exceeds])).toEqual([
      ['b', false],
      ['c', true],
      ['a', true],
      ['d', false],
    ]);
  });
});
