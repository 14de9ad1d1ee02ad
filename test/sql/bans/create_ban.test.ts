/** `create_ban`, as a table: who bans whom, what it answers, and that a refusal writes nothing. */
import { limits } from '../../../src/limits.ts';
import { inSeconds, limitsWith, SqlSession } from '../../support/sql.ts';

type Row = Record<string, unknown>;

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  await sql.insert('tenants', { id: 'ten' });
  const tenant = { tenant_id: 'ten' };
  await sql.insert('spaces', { ...tenant, id: 'spc' });
  await sql.insert('roles', { ...tenant, name: 'host', moderator: true, rank: 20 });
  await sql.insert('roles', { ...tenant, name: 'chief', moderator: true, rank: 30 });
  await sql.insert('roles', { ...tenant, name: 'viewer', rank: 0 });
  await sql.insert('members', { ...tenant, space_id: 'spc', user_id: 'mod', role: 'host' });
  await sql.insert('members', { ...tenant, space_id: 'spc', user_id: 'boss', role: 'chief' });
});
afterEach(() => sql.rollback());

const key = { kind: 'apiKey', id: 'key' };
const byMod = { caller: { kind: 'user', id: 'mod' }, pseudonym: 'p-mod' };
const request = {
  tenant: 'ten',
  kind: 'system',
  credential: 'system',
  mustBeActive: false,
  caller: key,
  claimed: [] as string[],
  pseudonym: null as string | null,
  ban: 'ban',
  action: 'act',
  space: 'spc' as string | null,
  user: 'ann',
  reason: 'spam' as string | null,
  expires: null as Date | null,
  elapsed: 0,
  mostActs: 10,
  usualQuota: 100_000,
  auditEntry: 'aud',
  details: { action: 'act' },
  request: 'request',
  events: JSON.stringify([{ type: 'ban.created', userId: 'ann', data: {} }]),
  limits: limits as Record<string, number>,
};

const ban = (changed: Partial<typeof request> = {}) => sql.value<Row>('create_ban', { ...request, ...changed });

const written = async () =>
  await sql.query(`select 'bans' as t from bans where id = 'ban' union all select 'actions' from actions where id = 'act'
    union all select 'audit' from audit union all select 'events' from events order by 1`);

describe('create_ban', () => {
  test.each<[string, Partial<typeof request>, number | null]>([
    ['an API key, in a space', {}, null],
    ['an API key, in the whole tenant', { space: null }, null],
    ['a moderator of the space', byMod, 20],
  ])('%s bans, and everything is on record', async (_, changed, byRank) => {
    expect(await ban(changed)).toMatchObject({ createdAt: expect.any(String), waitSeconds: 0, byRank });
    expect((await written()).map(({ t }) => t)).toEqual(['actions', 'audit', 'bans', 'events']);
    expect(await sql.query('select by_rank from bans')).toEqual([{ by_rank: byRank }]);
  });

  test.each<[string, Partial<typeof request>, Row, (() => Promise<unknown>) | null]>([
    [
      'somebody who does not moderate',
      { caller: { kind: 'user', id: 'ben' }, pseudonym: 'p-ben' },
      { refused: 'no_moderator' },
      null,
    ],
    ['a moderator of a space, in the whole tenant', { ...byMod, space: null }, { refused: 'no_moderator' }, null],
    [
      'a moderator who is banned',
      byMod,
      { refused: 'banned' },
      () => sql.insert('bans', { tenant_id: 'ten', user_id: 'mod' }),
    ],
    [
      'a moderator of whom a ban was kept when they were erased',
      byMod,
      { refused: 'banned' },
      () => sql.insert('bans', { tenant_id: 'ten', user_id: 'erased:p-mod' }),
    ],
    ['a moderator, against themselves', { ...byMod, user: 'mod' }, { refused: 'themselves' }, null],
    ['a moderator, against somebody of a higher rank', { ...byMod, user: 'boss' }, { refused: 'rank' }, null],
    ['a key, in a space that is not there', { space: 'spc_none' }, { refused: 'space_unknown' }, null],
    ['a key, with an end that is past', { expires: new Date(0) }, { refused: 'over_already' }, null],
    [
      'a key that acts too fast',
      { mostActs: 1 },
      { refused: 'rate', oldest: expect.any(String) },
      () => sql.insert('actions', { tenant_id: 'ten', requested_by: key, created_at: inSeconds(-1) }),
    ],
    [
      'a key of a tenant with too many bans',
      { usualQuota: 1 },
      { refused: 'quota', most: 1 },
      () => sql.insert('bans', { tenant_id: 'ten' }),
    ],
  ])('%s is refused, and nothing is written', async (_, changed, answer, before) => {
    await before?.();
    expect(await ban(changed)).toEqual(answer);
    expect(await written()).toEqual([]);
  });
});

test('create_ban bans nobody if the credential does not hold any more, or if a tenant must be active and is not', async () => {
  await sql.query('savepoint before');
  await expect(ban({ kind: 'apiKey', credential: 'key_gone' })).rejects.toMatchObject({ code: 'SD401' });
  await sql.query(`rollback to before; update tenants set status = 'suspended'`);
  await expect(ban({ mustBeActive: true })).rejects.toMatchObject({ code: 'SD403' });
});

describe('quota_of_bans', () => {
  const ofQuota = (usual: number) => ({ tenant: 'ten', usual, limits: limitsWith({ farBelowQuota: 2 }) });
  const quota = (usual: number) => sql.value('quota_of_bans', ofQuota(usual));

  test('is null while one more ban is allowed, near the quota and far below', async () => {
    for (const more of [0, 1, 2]) {
      expect({ more, near: await quota(3), far: await quota(30) }).toEqual({ more, near: null, far: null });
      await sql.insert('bans', { tenant_id: 'ten' });
      await sql.insert('actions', { tenant_id: 'ten' });
    }
    expect(await quota(3)).toBe(3);
    expect(await quota(4)).toBeNull();
  });

  test('bans far below the quota do not wait for each other, and bans near it do', async () => {
    await sql.commit();
    const other = await sql.another();
    const waits = (usual: number) => other.hasToWait(() => other.value('quota_of_bans', ofQuota(usual)));
    try {
      await sql.begin();
      await other.begin();
      await quota(2);
      expect({ far: await waits(30), near: await waits(2) }).toEqual({ far: false, near: true });
    } finally {
      await other.stop();
      await sql.rollback();
      await sql.query('delete from members; delete from spaces; delete from roles; delete from tenants');
    }
  });
});

describe('has_fewer_bans', () => {
  const fewer = (than: number, actsBetweenCounts = 3) =>
    sql.value('has_fewer_bans', { tenant: 'ten', than, limits: limitsWith({ actsBetweenCounts }) });
  const bans = async (count: number) => {
    for (let n = 0; n < count; n++) await sql.insert('bans', { tenant_id: 'ten' });
  };
  const counted = async () => (await sql.query('select bans_counted from tenants'))[0]?.['bans_counted'];

  test('counts exactly at first, and notes the count only if it is below', async () => {
    await bans(2);
    expect(await fewer(2)).toBe(false);
    expect(await counted()).toBeNull();
    expect(await fewer(3)).toBe(true);
    expect(await counted()).toBe(2);
  });

  test('trusts the last count for a few acts, and takes each of them for a ban', async () => {
    await fewer(10);
    await bans(1); // without an act, so only a new count finds it
    for (const acts of [0, 1, 2]) {
      expect({ acts, fewer: await fewer(10), counted: await counted() }).toEqual({ acts, fewer: true, counted: 0 });
      await sql.insert('actions', { tenant_id: 'ten' });
    }
    expect(await fewer(10)).toBe(true);
    expect(await counted()).toBe(1);
  });

  test('counts anew where the acts since the last count could reach the number', async () => {
    await fewer(10);
    await bans(1);
    await sql.insert('actions', { tenant_id: 'ten' });
    expect({ fewer: await fewer(2, 100), counted: await counted() }).toEqual({ fewer: true, counted: 0 });
    expect({ fewer: await fewer(1, 100), counted: await counted() }).toEqual({ fewer: false, counted: 0 });
  });

  test('an act of a transaction that had begun before the last count is not overlooked', async () => {
    await fewer(10);
    await sql.insert('actions', { tenant_id: 'ten', created_at: inSeconds(-50) });
    await bans(1);
    expect({ fewer: await fewer(1), counted: await counted() }).toEqual({ fewer: false, counted: 0 });
  });
});

describe('bans_in_force', () => {
  test('counts bans that are neither lifted nor over, as far as it is told', async () => {
    await sql.insert('bans', { tenant_id: 'ten' });
    await sql.insert('bans', { tenant_id: 'ten', expires_at: inSeconds(60) });
    await sql.insert('bans', { tenant_id: 'ten', expires_at: inSeconds(-1) });
    await sql.insert('bans', { tenant_id: 'ten', lifted_at: inSeconds(-1) });
    expect(await sql.value('bans_in_force', { tenant: 'ten', most: 10 })).toBe(2);
    expect(await sql.value('bans_in_force', { tenant: 'ten', most: 1 })).toBe(1);
  });
});
