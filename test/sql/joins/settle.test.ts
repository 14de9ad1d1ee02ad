/** `settle`, as a table: state and what IVS made, what it answers, and what becomes of the grants. */
import { limits } from '../../../src/limits.ts';
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
beforeEach(async () => {
  await sql.begin();
  await other.begin();
  for (const tenant_id of ['ten', 'ten_other']) {
    await sql.insert('tenants', { id: tenant_id });
    await sql.insert('issuers', { tenant_id, id: 'iss' });
    await sql.insert('roles', { tenant_id, name: 'host', rank: 30 });
    await sql.insert('spaces', { tenant_id, id: 'spc' });
    await sql.insert('spaces', { tenant_id, id: 'spc_beside' });
  }
});
afterEach(async () => {
  await other.rollback();
  await sql.rollback();
});

type Row = Record<string, unknown>;

const times = { expiresAt: '2999-01-01T00:00:00Z', sessionExpiresAt: '2999-01-01T01:00:00Z' };
const stage = { id: 'stage', mint: 'ivs', participantId: 'p', ...times };
const signed = { id: 'stage', mint: 'key-pair', participantId: 'p', signingKeyId: 'sgk', ...times };
const chat = { id: 'chat', ...times };

const vend = {
  tenant: 'ten',
  callerKind: 'user',
  credential: 'iss.1',
  user: 'ann',
  pseudonym: 'p-ann',
  space: 'spc',
  roleAsked: null,
  rolesClaimed: ['host'],
  limits,
};

async function settle(made: object[], failed: string[] = [], session = sql): Promise<unknown> {
  return await session.value('settle', { ...vend, grants: ['stage', 'chat'], made: JSON.stringify(made), failed });
}

/** Puts the two grants of a vend into the table, and beside them pending ones that the vend is not about. */
async function putGrants(stageState = 'pending', chatState = 'pending'): Promise<void> {
  const open = { tenant_id: 'ten', space_id: 'spc', mint: null, participant_id: null };
  await sql.insert('grants', { ...open, id: 'stage', state: stageState });
  await sql.insert('grants', { ...open, id: 'chat', kind: 'chat', state: chatState });
  await sql.insert('grants', { ...open, id: 'another', state: 'pending' });
  await sql.insert('grants', { ...open, tenant_id: 'ten_other', id: 'stage', state: 'pending' });
}

async function states(): Promise<string> {
  const rows = await sql.query(
    `select state from grants where id in ('stage', 'chat') and tenant_id = 'ten' order by kind desc`,
  );
  return rows.map(({ state }) => state).join(' ');
}

const banned = { refused: 'banned', until: null, reason: 'spam' };
const tooSlow = { refused: 'too_slow' };

describe('settle refuses what admit would refuse now', () => {
  test.each<[string, string, string]>([
    ['the issuer was deleted', `delete from issuers`, 'credential'],
    ['the tenant was suspended', `update tenants set status = 'suspended'`, 'tenant_suspended'],
    ['the space was deleted', `update spaces set deleted_at = now()`, 'space_unknown'],
    ['the space was closed', `update spaces set status = 'closed'`, 'space_closed'],
    [
      'the user was banned',
      `insert into bans (tenant_id, id, user_id, created_by) values ('ten', 'b', 'ann', '{}')`,
      'banned',
    ],
    [
      'the user was banned and then erased',
      `insert into bans (tenant_id, id, user_id, created_by) values ('ten', 'b', 'erased:p-ann', '{}')`,
      'banned',
    ],
    ['the role was deleted', `delete from roles`, 'role_none'],
    ['the space was frozen', `update spaces set frozen_at = now()`, 'space_frozen'],
  ])('%s since then', async (_, change, refused) => {
    await putGrants();
    await sql.query(change);
    expect(await settle([stage, chat])).toMatchObject({ refused });
    expect(await states()).toBe('refused refused');
  });

  test('and no ban that the user outranks', async () => {
    await putGrants();
    await sql.insert('bans', { tenant_id: 'ten', by_rank: 30 });
    expect(await settle([stage, chat])).toBeNull();
    expect(await states()).toBe('released released');
  });
});

describe('settle', () => {
  /** The states of the stage grant and the chat grant before, what IVS made, what failed; the answer, and the states after. */
  test.each<[string, string, object[], string[], unknown, string]>([
    ['both tokens are made', 'pending pending', [stage, chat], [], null, 'released released'],
    ['one is made and the other fails', 'pending pending', [stage], ['chat'], null, 'released refused'],
    ['the other is made and the one fails', 'pending pending', [chat], ['stage'], null, 'refused released'],
    ['both fail', 'pending pending', [], ['stage', 'chat'], null, 'refused refused'],
    ['a signed token has left, and a chat token is made', 'released pending', [chat], [], null, 'released released'],
    ['a signed token is noted again', 'released pending', [signed, chat], [], null, 'released released'],
    ['a signed token has left, and a chat token fails', 'released pending', [], ['chat'], null, 'released refused'],
    ['both were swept', 'refused refused', [stage, chat], [], tooSlow, 'refused refused'],
    ['one was swept', 'refused pending', [stage, chat], [], tooSlow, 'refused refused'],
    [
      'a signed token has not left, and the other was swept',
      'released refused',
      [chat],
      [],
      tooSlow,
      'refused refused',
    ],
    ['one was swept and the other fails', 'refused pending', [stage], ['chat'], tooSlow, 'refused refused'],
    ['one is watched: an act has taken it', 'watched pending', [stage, chat], [], tooSlow, 'watched refused'],
    ['one was revoked', 'revoked pending', [stage, chat], [], tooSlow, 'revoked refused'],
    ['nothing is made and nothing fails', 'pending pending', [], [], null, 'pending pending'],
    ['a grant is not there', 'pending pending', [{ ...stage, id: 'gone' }], [], tooSlow, 'refused refused'],
  ])('%s', async (_, before, made, failed, answer, after) => {
    await putGrants(...before.split(' '));
    expect(await settle(made, failed)).toEqual(answer);
    expect(await states()).toBe(after);
    // The grants that the vend is not about stay as they are.
    expect(
      await sql.query(`select from grants where state = 'pending' and (id = 'another' or tenant_id <> 'ten')`),
    ).toHaveLength(2);
  });

  test.each<[string, Row, unknown]>([
    ['a ban', {}, banned],
    ['a ban of the space', { space_id: 'spc' }, banned],
    ['a ban of another space', { space_id: 'spc_beside' }, null],
    ['a ban that was lifted', { lifted_at: inSeconds(-1) }, null],
    ['a ban that is over', { expires_at: inSeconds(-1) }, null],
    ['a ban of somebody else', { user_id: 'ben' }, null],
    ['a ban at another tenant', { tenant_id: 'ten_other' }, null],
  ])('%s came in between', async (_, ban, answer) => {
    await putGrants();
    await sql.insert('bans', { tenant_id: 'ten', reason: 'spam', ...ban });
    expect(await settle([stage, chat])).toEqual(answer);
    expect(await states()).toBe(answer === null ? 'released released' : 'refused refused');
  });

  test.each<[string, string, object[], string[], string]>([
    ['a token that was signed and did not leave yet', 'released pending', [signed, chat], [], 'refused refused'],
    ['a token that failed', 'pending pending', [stage], ['chat'], 'refused refused'],
    ['grants that were swept', 'refused refused', [stage, chat], [], 'refused refused'],
    ['a grant that the ban watches', 'watched pending', [stage, chat], [], 'watched refused'],
  ])('a ban is the answer about %s', async (_, before, made, failed, after) => {
    await putGrants(...before.split(' '));
    await sql.insert('bans', { tenant_id: 'ten', reason: 'spam' });
    expect(await settle(made, failed)).toEqual(banned);
    expect(await states()).toBe(after);
  });

  test('tells the end of the ban', async () => {
    await putGrants();
    await sql.insert('bans', { tenant_id: 'ten', expires_at: new Date('2999-01-01T00:00:00Z') });
    expect(await settle([stage])).toEqual({ refused: 'banned', until: '2999-01-01T00:00:00+00:00', reason: null });
  });

  test.each<[string, object, Row]>([
    ['that IVS made', stage, { mint: 'ivs', participant_id: 'p', signing_key_id: null }],
    ['that Stagedoor signed', signed, { mint: 'key-pair', participant_id: 'p', signing_key_id: 'sgk' }],
    ['of chat', chat, { mint: null, participant_id: null, signing_key_id: null }],
  ])('notes a token %s', async (_, made, columns) => {
    await putGrants();
    await settle([made]);
    expect(await sql.query(`select * from grants where state = 'released'`)).toEqual([
      expect.objectContaining({
        tenant_id: 'ten',
        ...columns,
        expires_at: new Date(times.expiresAt),
        session_expires_at: new Date(times.sessionExpiresAt),
      }),
    ]);
  });

  test('notes what IVS made even if a ban came in between: the token is out at IVS', async () => {
    await putGrants();
    await sql.insert('bans', { tenant_id: 'ten' });
    await settle([stage]);
    expect(await sql.query(`select * from grants where tenant_id = 'ten' and id = 'stage'`)).toEqual([
      expect.objectContaining({ state: 'refused', participant_id: 'p', expires_at: new Date(times.expiresAt) }),
    ]);
  });

  const lock = { tenant: 'ten', user: 'ann', exclusive: true };

  test.each<[string, typeof lock, boolean]>([
    ['waits for a ban that is being written', lock, true],
    ['does not wait for another vend to the user', { ...lock, exclusive: false }, false],
    ['does not wait for a ban of somebody else', { ...lock, user: 'ben' }, false],
    ['does not wait for a ban at another tenant', { ...lock, tenant: 'ten_other' }, false],
  ])('%s', async (_, held, waits) => {
    await other.call('lock_user', held);
    await putGrants();
    expect(await sql.hasToWait(() => settle([stage, chat]))).toBe(waits);
  });

  test('makes a ban wait until it is over', async () => {
    await settle([]);
    expect(await other.hasToWait(() => other.call('lock_user', lock))).toBe(true);
  });

  test('enters the tenant: it is the first statement of its transaction', async () => {
    await putGrants();
    await sql.becomeService();
    expect(await sql.query('select from grants')).toEqual([]);
    expect(await settle([stage, chat])).toBeNull();
    expect(await states()).toBe('released released');
    expect(await sql.query(`select from grants where tenant_id <> 'ten'`)).toEqual([]);
  });
});
