/** The functions that let callers in and that tell their roles and ranks. */
import { limits } from '../../src/limits.ts';
import { fromNow, inSeconds, SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  for (const tenant of ['ten', 'ten_other']) {
    await sql.insert('tenants', { id: tenant });
    for (const [name, rank] of Object.entries({ viewer: 0, host: 5, owner: 9 })) {
      await sql.insert('roles', { tenant_id: tenant, name, rank });
    }
    await sql.insert('spaces', { tenant_id: tenant, id: 'spc', default_role: null });
    await sql.insert('spaces', { tenant_id: tenant, id: 'spc_beside', default_role: 'owner' });
  }
});
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;
/** A row to put into a table, of the tenant `ten` unless it says otherwise. */
type Given = [table: string, row: Row];

async function put(rows: Given[]): Promise<void> {
  for (const [table, row] of rows) await sql.insert(table, { tenant_id: 'ten', ...row });
}

/** Names of the roles that a JWT claims. */
type Claimed = string[] | null;

const key: Given = ['api_keys', { id: 'key' }];
const session: Given = ['console_sessions', { id: 'cse' }];

/** A person of the console, who has signed in. */
function person(user: Row = {}, their: Row = {}): Given[] {
  return [
    ['console_issuers', { id: 'cis' }],
    ['console_issuers', { id: 'cis_other' }],
    ['console_users', { user_id: 'ann', issuer_id: 'cis', role: 'moderator', ...user }],
    [
      'console_sessions',
      {
        id: 'cse',
        kind: 'consoleUser',
        caller: 'ann',
        issuer_id: 'cis',
        ...their,
      },
    ],
  ];
}

/** A caller, and whether their credential holds. */
const credentials: [string, Given[], kind: string | null, credential: string | null, holds: boolean][] = [
  ['an API key', [['api_keys', { id: 'key' }]], 'apiKey', 'key', true],
  ['an API key that expires later', [['api_keys', { id: 'key', expires_at: fromNow(1) }]], 'apiKey', 'key', true],
  ['an API key that expires now', [['api_keys', { id: 'key', expires_at: fromNow(0) }]], 'apiKey', 'key', false],
  ['an API key that was revoked', [['api_keys', { id: 'key', revoked_at: inSeconds(-1) }]], 'apiKey', 'key', false],
  ['an API key of another tenant', [['api_keys', { tenant_id: 'ten_other', id: 'key' }]], 'apiKey', 'key', false],
  ['an API key that is not there', [], 'apiKey', 'key', false],
  ['a session of the console', [key, session], 'apiKey', 'key.cse', true],
  [
    'a session that has ended',
    [key, [session[0], { ...session[1], ended_at: inSeconds(-1) }]],
    'apiKey',
    'key.cse',
    false,
  ],
  [
    'a session that has expired',
    [key, [session[0], { ...session[1], expires_at: fromNow(0) }]],
    'apiKey',
    'key.cse',
    false,
  ],
  ['a session that is not there', [key], 'apiKey', 'key.cse', false],
  [
    'a session of another tenant',
    [key, [session[0], { ...session[1], tenant_id: 'ten_other' }]],
    'apiKey',
    'key.cse',
    false,
  ],
  ['a session without its API key', [session], 'apiKey', 'key.cse', false],
  ['no session, with the dot', [key, session], 'apiKey', 'key.', false],
  ['a person of the console', person(), 'consoleUser', 'moderator.cse', true],
  ['a person with another role now', person({ role: 'viewer' }), 'consoleUser', 'moderator.cse', false],
  ['a person with a higher role now', person({ role: 'admin' }), 'consoleUser', 'moderator.cse', false],
  ['a person who was removed', person({ user_id: 'bob' }), 'consoleUser', 'moderator.cse', false],
  ['a person of another provider', person({ issuer_id: 'cis_other' }), 'consoleUser', 'moderator.cse', false],
  ['a person who has signed out', person({}, { ended_at: inSeconds(-1) }), 'consoleUser', 'moderator.cse', false],
  ['a person whose session has expired', person({}, { expires_at: fromNow(0) }), 'consoleUser', 'moderator.cse', false],
  ['a person without a session', person(), 'consoleUser', 'moderator.', false],
  ['a session of a key as one of a person', [key, session], 'consoleUser', 'moderator.cse', false],
  ['a session of a person as one of a key', person(), 'apiKey', 'ann.cse', false],
  ['no API key', [['api_keys', { id: 'key' }]], 'apiKey', null, false],
  ['an issuer', [['issuers', { id: 'iss' }]], 'user', 'iss.1', true],
  ['an issuer of another tenant', [['issuers', { tenant_id: 'ten_other', id: 'iss' }]], 'user', 'iss.1', false],
  ['an issuer that is not there', [], 'user', 'iss.1', false],
  ['an issuer that was changed', [['issuers', { id: 'iss', version: 2 }]], 'user', 'iss.1', false],
  ['the id of an issuer as an API key', [['issuers', { id: 'iss' }]], 'apiKey', 'iss', false],
  ['the id of an API key as an issuer', [['api_keys', { id: 'key' }]], 'user', 'key', false],
  ['a caller of no kind', [], null, 'key', false],
  ['the operator', [], 'operator', null, true],
  ['Stagedoor itself', [], 'system', null, true],
  ['a kind of caller that does not exist', [['api_keys', { id: 'key' }]], 'robot', 'key', false],
];

describe('credential_holds', () => {
  test.each(credentials)('%s', async (_, rows, kind, credential, holds) => {
    await put(rows);
    expect(await sql.value('credential_holds', { tenant: 'ten', kind, credential })).toBe(holds);
  });
});

describe('enter_tenant', () => {
  const visible = 'select tenant_id from spaces group by tenant_id';

  test.each(credentials.filter(([, , , , holds]) => holds))('lets in %s', async (_, rows, kind, credential) => {
    await put(rows);
    await sql.become('stagedoor_test_service');
    expect(await sql.query(visible)).toEqual([]);
    await sql.call('enter_tenant', { tenant: 'ten', kind, credential, mustBeActive: false });
    expect(await sql.query(visible)).toEqual([{ tenant_id: 'ten' }]);
  });

  test.each(credentials.filter(([, , , , holds]) => !holds))('refuses %s', async (_, rows, kind, credential) => {
    await put(rows);
    await sql.become('stagedoor_test_service');
    const entered = sql.call('enter_tenant', { tenant: 'ten', kind, credential, mustBeActive: false });
    await expect(entered).rejects.toMatchObject({ code: 'SD401' });
  });

  test('is over when the transaction ends', async () => {
    await sql.call('enter_tenant', { tenant: 'ten', kind: 'system', credential: null, mustBeActive: false });
    await sql.rollback();
    await sql.begin();
    expect(await sql.query(`select current_setting('app.tenant_id') as tenant`)).toEqual([{ tenant: '' }]);
  });

  test.each<[string, string, boolean, boolean]>([
    ['an active tenant', 'active', true, true],
    ['a suspended tenant', 'suspended', false, true],
    ['a suspended tenant that must be active', 'suspended', true, false],
  ])('%s', async (_, status, mustBeActive, enters) => {
    await sql.query(`update tenants set status = $1 where id = 'ten'`, [status]);
    await sql.become('stagedoor_test_service');
    const entered = sql.call('enter_tenant', { tenant: 'ten', kind: 'system', credential: null, mustBeActive });
    if (enters) expect(await entered).toHaveLength(1);
    else await expect(entered).rejects.toMatchObject({ code: 'SD403' });
  });
});

const host = { user_id: 'ann', role: 'host', space_id: 'spc' };
const changed = { kind: 'role.change', user_id: 'ann', space_id: 'spc' };

describe('rank_of', () => {
  test.each<[string, Given[], number]>([
    ['nothing', [], -1],
    ['a member row', [['members', host]], 5],
    ['a role of rank 0', [['members', { ...host, role: 'viewer' }]], 0],
    ['a grant', [['grants', host]], 5],
    ['a watched grant', [['grants', { ...host, state: 'watched' }]], 5],
    ['a grant that is being made', [['grants', { ...host, state: 'pending' }]], 5],
    ['a grant that was refused', [['grants', { ...host, state: 'refused' }]], -1],
    ['a grant that was revoked', [['grants', { ...host, state: 'revoked' }]], -1],
    ['a role that is not defined any more', [['grants', { ...host, role: 'king' }]], -1],
    [
      'a member row below a grant',
      [
        ['members', host],
        ['grants', { ...host, role: 'owner' }],
      ],
      9,
    ],
    [
      'a member row above a grant',
      [
        ['members', { ...host, role: 'owner' }],
        ['grants', host],
      ],
      9,
    ],
    [
      'a grant from before a change of their role',
      [
        ['grants', { ...host, issued_at: inSeconds(-60) }],
        ['actions', { ...changed, created_at: inSeconds(-30) }],
      ],
      -1,
    ],
    [
      'a grant from after a change of their role, whatever the times say',
      [
        ['actions', { ...changed, created_at: inSeconds(-30) }],
        ['grants', { ...host, issued_at: inSeconds(-60) }],
      ],
      5,
    ],
    [
      'a grant and a change of their role in another space',
      [
        ['grants', host],
        ['actions', { ...changed, space_id: 'spc_beside' }],
      ],
      5,
    ],
    [
      'a grant and a change of the role of somebody else',
      [
        ['grants', host],
        ['actions', { ...changed, user_id: 'ben' }],
      ],
      5,
    ],
    [
      'a grant and an action of another kind',
      [
        ['grants', host],
        ['actions', { ...changed, kind: 'ban' }],
      ],
      5,
    ],
    [
      'a grant and a member row in another space',
      [
        ['grants', { ...host, space_id: 'spc_beside' }],
        ['members', { ...host, space_id: 'spc_beside' }],
      ],
      -1,
    ],
    [
      'what somebody else has',
      [
        ['grants', { ...host, user_id: 'ben' }],
        ['members', { ...host, user_id: 'ben' }],
      ],
      -1,
    ],
    [
      'what they have at another tenant',
      [
        ['grants', { ...host, tenant_id: 'ten_other' }],
        ['members', { ...host, tenant_id: 'ten_other' }],
      ],
      -1,
    ],
  ])('in a space, of %s', async (_, rows, rank) => {
    await put(rows);
    expect(await sql.value('rank_of', { tenant: 'ten', space: 'spc', user: 'ann', limits })).toBe(rank);
  });

  test('in any space: the highest of all', async () => {
    await put([
      ['members', host],
      ['grants', { ...host, role: 'owner', space_id: 'spc_beside' }],
    ]);
    expect(await sql.value('rank_of', { tenant: 'ten', space: null, user: 'ann', limits })).toBe(9);
  });
});

describe('rank_of and the order of locks', () => {
  let vend: SqlSession;
  const tenant = 'ten_turns';

  beforeAll(async () => {
    vend = await sql.another();
    await sql.begin();
    await sql.insert('tenants', { id: tenant });
    await sql.insert('roles', { tenant_id: tenant, name: 'host', rank: 5 });
    await sql.insert('spaces', { tenant_id: tenant, id: 'spc' });
    await sql.commit();
  });
  afterAll(() => vend.stop());

  /** The grant of a host, as a vend records it. */
  async function giveHost(session: SqlSession): Promise<void> {
    const role = `(select r from public.roles as r where tenant_id = $1 and name = 'host')`;
    const args = `$1, $2, 'spc', 'ann', 'ann', ${role}, null, null, date_trunc('milliseconds', now())`;
    await session.rowsOf('record_stage_grant', args, [tenant, `grt_${Math.random()}`]);
  }

  async function changeRole(session: SqlSession): Promise<void> {
    const act = { tenant, action: `act_${Math.random()}`, kind: 'role.change', space: 'spc', user: 'ann', ban: null };
    await session.call('record_action', { ...act, reason: null, caller: {}, elapsed: 0 });
  }

  const rank = () => sql.value('rank_of', { tenant, space: 'spc', user: 'ann', limits });

  test('a change of the role that waited for a vend counts, and a vend that waited for the change does too', async () => {
    const one = [sql, vend] as const;
    for (const session of one) await session.rollback();
    for (const session of one) await session.begin();
    for (const session of one) await session.query('select now()'); // both begin before either has the lock
    await giveHost(vend);
    await vend.commit();
    await changeRole(sql);
    expect(await rank()).toBe(-1);
    await sql.commit();

    for (const session of one) await session.begin();
    for (const session of one) await session.query('select now()');
    await changeRole(sql);
    await sql.commit();
    await giveHost(vend);
    await vend.commit();
    await sql.begin();
    expect(await rank()).toBe(5);
  });
});

describe('rank_to_act_on', () => {
  test('is the rank, under the lock of the user', async () => {
    await sql.rollback();
    const other = await sql.another();
    await Promise.all([sql.begin(), other.begin()]);
    const request = { tenant: 'ten', space: 'spc', user: 'ann', limits };
    await other.call('lock_user', { tenant: 'ten', user: 'ann', exclusive: false });
    expect(await sql.hasToWait(() => sql.value('rank_to_act_on', request))).toBe(true);
    await other.rollback();
    await other.stop();
    await sql.insert('tenants', { id: 'ten' });
    await sql.insert('roles', { tenant_id: 'ten', name: 'host', rank: 5 });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc' });
    await put([['members', host]]);
    expect(await sql.value('rank_to_act_on', request)).toBe(5);
  });
});

describe('binds', () => {
  test.each<[by: number | null, own: number | null, binds: boolean]>([
    [null, 1_000_000, true],
    [null, null, true],
    [20, 19, true],
    [20, 20, false],
    [20, 21, false],
    [0, null, true],
    [0, 0, false],
  ])('an act by the rank %p, a user of the rank %p: %p', async (byRank, rank, binds) => {
    expect(await sql.value('binds', { byRank, rank })).toBe(binds);
  });
});

const chief = { name: 'chief', rank: 7, moderator: true };
const helper = { name: 'helper', rank: 3, moderator: true };

describe('moderator_rank', () => {
  const noModerator = { refused: 'no_moderator' };
  const banned = { refused: 'banned' };

  test.each<[string, Given[], space: string | null, claimed: Claimed, unknown]>([
    ['a claimed role, in a space', [], 'spc', ['chief'], { rank: 7 }],
    ['a claimed role, in the tenant', [], null, ['chief'], { rank: 7 }],
    ['a role that does not moderate, in a space', [], 'spc', ['owner'], noModerator],
    ['a role that does not moderate, in the tenant', [], null, ['owner'], noModerator],
    ['several roles, in a space', [], 'spc', ['viewer', 'chief', 'king', 'helper'], { rank: 7 }],
    ['several roles, in the tenant', [], null, ['helper', 'viewer', 'chief'], { rank: 7 }],
    ['several roles, and the highest does not moderate, in a space', [], 'spc', ['chief', 'owner'], noModerator],
    ['several roles, and the highest does not moderate, in the tenant', [], null, ['owner', 'chief'], noModerator],
    [
      'several roles and a member row that binds the highest',
      [['members', host]],
      'spc',
      ['host', 'chief'],
      noModerator,
    ],
    ['a list of no roles, in a space', [], 'spc', [], noModerator],
    ['a list of no roles, in the tenant', [], null, [], noModerator],
    ['no role, in a space', [], 'spc', null, noModerator],
    ['no claim, in the tenant', [['members', { ...host, role: 'chief' }]], null, null, noModerator],
    ['a claim that the tenant does not define', [], null, ['king'], noModerator],
    ['a member row, in its space', [['members', { ...host, role: 'helper' }]], 'spc', ['chief'], { rank: 3 }],
    [
      'a member row, in another space',
      [['members', { ...host, role: 'helper' }]],
      'spc_beside',
      ['chief'],
      { rank: 7 },
    ],
    ['a lower member row, in the tenant', [['members', { ...host, role: 'helper' }]], null, ['chief'], { rank: 3 }],
    ['a higher member row, in the tenant', [['members', { ...host, role: 'chief' }]], null, ['helper'], { rank: 3 }],
    ['a member row that does not moderate, in the tenant', [['members', host]], null, ['chief'], noModerator],
    ['a member row of somebody else', [['members', { ...host, user_id: 'ben' }]], null, ['chief'], { rank: 7 }],
    ['a ban from the space', [['bans', { space_id: 'spc' }]], 'spc', ['chief'], banned],
    ['a ban from another space', [['bans', { space_id: 'spc_beside' }]], 'spc', ['chief'], { rank: 7 }],
    ['a ban from any space, in the tenant', [['bans', { space_id: 'spc' }]], null, ['chief'], banned],
    ['a ban from the tenant', [['bans', {}]], 'spc', ['chief'], banned],
    ['a ban that was kept when they were erased', [['bans', { user_id: 'erased:p-ann' }]], 'spc', ['chief'], banned],
    ['a ban that was lifted', [['bans', { lifted_at: inSeconds(-1) }]], null, ['chief'], { rank: 7 }],
    ['a ban by a lower rank', [['bans', { by_rank: 6 }]], 'spc', ['chief'], { rank: 7 }],
    ['a ban by the same rank', [['bans', { by_rank: 7 }]], null, ['chief'], { rank: 7 }],
    ['a ban by a higher rank', [['bans', { by_rank: 8 }]], null, ['chief'], banned],
    [
      'a ban by the rank that everybody has in the space',
      [
        ['spaces', { id: 'spc_all', default_role: 'helper' }],
        ['bans', { by_rank: 3 }],
      ],
      'spc_all',
      null,
      banned,
    ],
    [
      'a member row by a lower rank, in its space',
      [['members', { ...host, role: 'viewer', by_rank: 6 }]],
      'spc',
      ['chief'],
      { rank: 7 },
    ],
    [
      'a member row by a lower rank, in the tenant',
      [['members', { ...host, role: 'viewer', by_rank: 6 }]],
      null,
      ['chief'],
      { rank: 7 },
    ],
    ['a ban before a role that does not moderate', [['bans', {}]], null, ['owner'], banned],
  ])('%s', async (_, rows, space, claimed, answer) => {
    await put([['roles', chief], ['roles', helper], ...rows]);
    expect(
      await sql.value('moderator_rank', { tenant: 'ten', space, user: 'ann', claimed, pseudonym: 'p-ann' }),
    ).toEqual(answer);
  });
});

/** Rows, the role that a JWT claims, and the role that the user has in the space `spc`. */
const rolesInSpace: [string, Given[], space: string, claimed: Claimed, role: string | null][] = [
  ['nothing', [], 'spc', null, null],
  ['the member row before all others', [['members', host]], 'spc', ['owner'], 'host'],
  ['the claimed role', [], 'spc', ['owner'], 'owner'],
  [
    'the claimed role before a member row by a lower rank',
    [['members', { ...host, by_rank: 8 }]],
    'spc',
    ['owner'],
    'owner',
  ],
  [
    'the claimed role before a member row by its rank',
    [['members', { ...host, by_rank: 9 }]],
    'spc',
    ['owner'],
    'owner',
  ],
  [
    'a member row by a higher rank before the claimed role',
    [['members', { ...host, by_rank: 10 }]],
    'spc',
    ['owner'],
    'host',
  ],
  ['a member row by any rank, if no role is claimed', [['members', { ...host, by_rank: 1 }]], 'spc', null, 'host'],
  ['the claimed role before the default of the space', [], 'spc_beside', ['host'], 'host'],
  ['the highest of several claimed roles', [], 'spc', ['viewer', 'king', 'owner', 'host'], 'owner'],
  [
    'the highest claimed role before a member row by its rank',
    [['members', { ...host, by_rank: 9 }]],
    'spc',
    ['viewer', 'owner'],
    'owner',
  ],
  ['the default of the space', [], 'spc_beside', null, 'owner'],
  ['the default for a list of no roles', [], 'spc_beside', [], 'owner'],
  ['the default if the claimed role is not defined', [], 'spc_beside', ['king'], 'owner'],
  ['nothing if the claimed role is not defined and the space has no default', [], 'spc', ['king'], null],
  [
    'nothing for the claim of a role that another tenant defines',
    [['roles', { tenant_id: 'ten_other', name: 'king' }]],
    'spc',
    ['king'],
    null,
  ],
  ['nothing for a member row in another space', [['members', { ...host, space_id: 'spc_beside' }]], 'spc', null, null],
  ['nothing for a member row of somebody else', [['members', { ...host, user_id: 'ben' }]], 'spc', null, null],
  ['nothing for a member row at another tenant', [['members', { ...host, tenant_id: 'ten_other' }]], 'spc', null, null],
  ['nothing in a space that is not there', [], 'spc_gone', null, null],
];

describe('role_name_in_space', () => {
  test.each(rolesInSpace)('is %s', async (_, rows, space, claimed, role) => {
    await put(rows);
    const [row] = await sql.query(`select default_role from spaces where tenant_id = 'ten' and id = $1`, [space]);
    const byDefault = (row?.['default_role'] ?? null) as string | null;
    const asked = { tenant: 'ten', space, user: 'ann', claimed, default: byDefault };
    expect(await sql.value('role_name_in_space', asked)).toBe(role);
  });
});

describe('role_in_space', () => {
  test.each(rolesInSpace)('is the row of %s', async (_, rows, space, claimed, role) => {
    await put(rows);
    const [row] = await sql.call('role_in_space', { tenant: 'ten', space, user: 'ann', claimed });
    expect(row).toMatchObject({
      tenant_id: role && 'ten',
      name: role,
      rank: role && { viewer: 0, host: 5, owner: 9 }[role],
    });
  });
});
