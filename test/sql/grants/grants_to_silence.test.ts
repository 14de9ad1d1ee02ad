/** `grants_to_silence`, as a table: which grants of a space a freeze takes, and in which order. */
import { fromNow, inSeconds, limitsWith, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

const hour = 3_600_000;
const day = 24 * hour;

const ask = {
  tenant: 'ten',
  space: 'spc',
  user: null as string | null,
  moderatorRoles: ['guard', 'chief'],
  limits: limitsWith({ longestTokenSeconds: 2 * 24 * 3600, stageStaySeconds: 24 * 3600 }),
};

const stage = { role: 'host', capabilities: ['PUBLISH', 'SUBSCRIBE'] };
const chat = { kind: 'chat', role: 'host', capabilities: ['SEND_MESSAGE'] };

async function put(grants: Row[]): Promise<void> {
  for (const grant of grants) await sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', ...grant });
}

/** Both ends of a token. */
function until(milliseconds: number): Row {
  return { expires_at: fromNow(milliseconds), session_expires_at: fromNow(milliseconds) };
}

const old = { issued_at: fromNow(1 - 2 * day) };

describe('grants_to_silence', () => {
  test.each<[string, Row, boolean]>([
    ['a grant that allows to publish', stage, true],
    ['a grant that allows to send', chat, true],
    ['a grant of anybody', { ...stage, user_id: 'ben' }, true],
    ['a grant that allows to watch alone', { ...stage, capabilities: ['SUBSCRIBE'] }, false],
    ['a grant that allows to moderate a chat alone', { ...chat, capabilities: ['DELETE_MESSAGE'] }, false],
    ['a grant that allows nothing', { ...chat, capabilities: [] }, false],
    ['a grant of a role that moderates', { ...stage, role: 'chief' }, false],
    ['a grant of somebody at the console', { ...chat, role: 'console:moderator' }, false],
    ['a watched grant', { ...stage, state: 'watched' }, true],
    ['a revoked grant of a key pair: its participant stays', { ...stage, state: 'revoked', mint: 'key-pair' }, true],
    ['a revoked grant of IVS', { ...stage, state: 'revoked' }, true],
    ['a pending grant', { ...stage, state: 'pending' }, false],
    ['a refused grant', { ...stage, state: 'refused' }, false],
    ['a stage grant that expired within a stay', { ...stage, ...old, ...until(1 - day) }, true],
    ['a stage grant that expired a stay ago', { ...stage, ...old, ...until(-day) }, false],
    ['a chat grant whose session ends next', { ...chat, ...until(1) }, true],
    ['a chat grant whose session ends now', { ...chat, ...until(0) }, false],
    ['a grant that is nearly as old as a token gets', { ...stage, ...old }, true],
    ['a grant that is older than a token gets', { ...stage, issued_at: fromNow(-2 * day) }, false],
    ['a grant for another space', { ...stage, space_id: 'spc_beside' }, false],
    ['a grant at another tenant', { ...stage, tenant_id: 'ten_other' }, false],
  ])('%s', async (_, grant, taken) => {
    await put([{ id: 'a', ...grant }]);
    expect(await sql.value('grants_to_silence', ask)).toEqual(taken ? ['a'] : []);
  });

  test('the grants of one user alone', async () => {
    await put([
      { id: 'a', ...stage },
      { id: 'b', ...stage, user_id: 'ben' },
    ]);
    expect(await sql.value('grants_to_silence', { ...ask, user: 'ben' })).toEqual(['b']);
  });

  describe('a grant of a role that moderates, whose user', () => {
    const change = (row: Row = {}) =>
      sql.insert('actions', {
        tenant_id: 'ten',
        id: 'act',
        kind: 'role.change',
        space_id: 'spc',
        user_id: 'ann',
        ...row,
      });
    const member = (role: string) => sql.insert('members', { tenant_id: 'ten', space_id: 'spc', role });

    beforeEach(async () => {
      await sql.insert('tenants', { id: 'ten' });
      for (const id of ['spc', 'spc_2']) await sql.insert('spaces', { tenant_id: 'ten', id });
      for (const name of ['guard', 'chief', 'host']) {
        await sql.insert('roles', { tenant_id: 'ten', name, moderator: name !== 'host' });
      }
      await put([{ id: 'a', ...stage, role: 'chief' }]);
    });

    test.each<[string, () => Promise<unknown>, boolean]>([
      ['has a lesser role now', async () => (await member('host'), await change()), true],
      ['has another role that moderates now', async () => (await member('guard'), await change()), false],
      ['has no role of their own any more', () => change(), true],
      ['has a role of their own, and asked for this one', () => member('host'), false],
      [
        'has a new role in another space',
        async () => (await member('host'), await change({ space_id: 'spc_2' })),
        false,
      ],
    ])('%s', async (_, arrange, taken) => {
      await arrange();
      expect(await sql.value('grants_to_silence', ask)).toEqual(taken ? ['a'] : []);
    });
  });

  test('nobody is spared if no role moderates', async () => {
    await put([{ id: 'a', ...stage, role: 'guard' }]);
    expect(await sql.value('grants_to_silence', { ...ask, moderatorRoles: [] })).toEqual(['a']);
  });

  test('nothing', async () => {
    expect(await sql.value('grants_to_silence', ask)).toEqual([]);
  });

  test('in order: the newest of each user, stage before chat, then the rest', async () => {
    const at = (seconds: number, row: Row): Row => ({ ...row, issued_at: inSeconds(-seconds) });
    await put([
      at(60, { ...stage, id: 'ann_1' }),
      at(50, { ...stage, id: 'ann_2' }),
      at(10, { ...chat, id: 'ann_chat_2' }),
      at(20, { ...chat, id: 'ann_chat_1' }),
      at(40, { ...stage, id: 'ben_1', user_id: 'ben' }),
      at(15, { ...chat, id: 'ben_chat_1', user_id: 'ben' }),
    ]);
    expect(await sql.value('grants_to_silence', ask)).toEqual([
      'ben_1',
      'ann_2',
      'ann_chat_2',
      'ben_chat_1',
      'ann_1',
      'ann_chat_1',
    ]);
  });

  test.each(['longestTokenSeconds', 'stageStaySeconds'])('raises an error without the limit %s', async (limit) => {
    const { [limit]: _, ...limits } = ask.limits;
    await expect(sql.value('grants_to_silence', { ...ask, limits })).rejects.toThrow(
      `the limit ${limit} was not passed`,
    );
  });
});
