/** `grants_to_act_on`, as a table: which of a user's grants an act takes, and in which order. */
import { fromNow, inSeconds, limitsWith, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

const second = 1000;
const hour = 3600 * second;
const day = 24 * hour;

/** The limits are such that a token lives for up to two days, and a stay on a stage lasts for up to one. */
const ask = {
  tenant: 'ten',
  user: 'ann',
  space: 'spc' as string | null,
  before: 'infinity' as string | Date,
  limits: limitsWith({ longestTokenSeconds: (2 * day) / second, stageStaySeconds: day / second }),
};

async function put(grants: Row[]): Promise<void> {
  for (const grant of grants) await sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', ...grant });
}

/** Both ends of a token. */
function until(milliseconds: number): Row {
  return { expires_at: fromNow(milliseconds), session_expires_at: fromNow(milliseconds) };
}

const old = { issued_at: fromNow(1 - 2 * day) };

describe('grants_to_act_on', () => {
  test.each<[string, Row, boolean]>([
    ['a stage grant', {}, true],
    ['a chat grant', { kind: 'chat' }, true],
    ['a watched grant', { state: 'watched' }, true],
    ['a revoked grant of a key pair: its participant stays', { state: 'revoked', mint: 'key-pair' }, true],
    ['a revoked grant of IVS', { state: 'revoked' }, true],
    ['a pending grant', { state: 'pending' }, false],
    ['a refused grant', { state: 'refused' }, false],
    ['a stage grant that expired within a stay', { ...old, ...until(1 - day) }, true],
    ['a stage grant that expired a stay ago', { ...old, ...until(-day) }, false],
    ['a chat grant that expires next', { kind: 'chat', ...until(1) }, true],
    ['a chat grant that expires now', { kind: 'chat', ...until(0) }, false],
    ['a chat grant whose session lasts', { kind: 'chat', expires_at: inSeconds(-60) }, true],
    ['a grant that is nearly as old as a token gets', old, true],
    ['a grant that is older than a token gets', { issued_at: fromNow(-2 * day) }, false],
    ['a grant of somebody else', { user_id: 'ben' }, false],
    ['a grant for another space', { space_id: 'spc_beside' }, false],
    ['a grant at another tenant', { tenant_id: 'ten_other' }, false],
  ])('%s', async (_, grant, taken) => {
    await put([{ id: 'a', ...grant }]);
    expect(await sql.value('grants_to_act_on', ask)).toEqual(taken ? ['a'] : []);
  });

  test('takes the stage grants of a deleted space whose stage the space has now, and not its chat grants', async () => {
    await sql.insert('tenants', { id: 'ten' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_old', stage_arn: null, former_stage_arn: 'stage' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc', stage_arn: 'stage' });
    await put([{ id: 'a', space_id: 'spc_old' }, { id: 'b', space_id: 'spc_old', kind: 'chat' }, { id: 'c' }]);
    expect(await sql.value<string[]>('grants_to_act_on', ask)).toEqual(expect.arrayContaining(['a', 'c']));
    expect(await sql.value<string[]>('grants_to_act_on', ask)).toHaveLength(2);
  });

  test.each([
    ['from before the moment that counts', -1, true],
    ['of that moment', 0, false],
    ['from after that moment', 1, false],
  ])('a grant %s', async (_, milliseconds, taken) => {
    const before = Date.now() - hour;
    await put([{ id: 'a', issued_at: new Date(before + milliseconds) }]);
    expect(await sql.value('grants_to_act_on', { ...ask, before: new Date(before) })).toEqual(taken ? ['a'] : []);
  });

  test('nothing', async () => {
    expect(await sql.value('grants_to_act_on', ask)).toEqual([]);
    expect(await sql.value('grants_to_act_on', { ...ask, space: null })).toEqual([]);
  });

  test.each<[string, string | null, string[]]>([
    ['of one space: the newest of stage and chat, then the rest', 'spc', ['s3', 'c3', 's2', 'c2', 's1']],
    ['of another space', 'spc_b', ['s5', 'c5', 's4']],
    ['of all spaces: the newest of each first', null, ['s5', 's3', 'c5', 'c3', 's4', 's2', 'c2', 's1']],
  ])('in order, %s', async (_, space, ids) => {
    const at = (seconds: number, row: Row): Row => ({ ...row, issued_at: inSeconds(-seconds) });
    await put([
      at(60, { id: 's1' }),
      at(50, { id: 's2' }),
      at(40, { id: 's3' }),
      at(55, { id: 'c2', kind: 'chat' }),
      at(45, { id: 'c3', kind: 'chat' }),
      at(30, { id: 's4', space_id: 'spc_b' }),
      at(20, { id: 's5', space_id: 'spc_b' }),
      at(10, { id: 'c5', space_id: 'spc_b', kind: 'chat' }),
    ]);
    expect(await sql.value('grants_to_act_on', { ...ask, space })).toEqual(ids);
  });

  test.each(['longestTokenSeconds', 'stageStaySeconds'])('raises an error without the limit %s', async (limit) => {
    const { [limit]: _, ...limits } = ask.limits;
    await expect(sql.value('grants_to_act_on', { ...ask, limits })).rejects.toThrow(
      `the limit ${limit} was not passed`,
    );
  });
});
