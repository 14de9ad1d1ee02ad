import { expectProblem } from '../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;
let other: Json;
const tokens: string[] = [];

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant);
  other = await stagedoor.createSpace(tenant);
  for (const userId of ['ann', 'bob']) await join(space['id'], userId);
  await join(other['id'], 'ann');
  expect([200, 202]).toContain((await stagedoor.post('/v1/users/bob/revoke', tenant.key, {})).status);
  // The entry of a vend is in the log about a second after the vend.
  await until(async () => (await listed('/v1/audit?action=space.join')).length === 3, 'the vends are in the log');
});

afterAll(async () => {
  await stagedoor.stop();
});

async function join(spaceId: string, userId: string): Promise<void> {
  const pass = await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${spaceId}/join`, tenant.key, { userId }));
  tokens.push(pass['stage'].token, pass['chat'].token);
}

async function listed(path: string, as = tenant.key): Promise<Json[]> {
  return (await stagedoor.expect(200, stagedoor.get(path, as)))['data'];
}

/** All of a list, two at a time, or what comes after a cursor. */
async function paged(path: string, after: string | null = null): Promise<string[]> {
  const ids: string[] = [];
  let cursor = after;
  do {
    const from = cursor === null ? '' : `&cursor=${cursor}`;
    const page: Json = await stagedoor.expect(200, stagedoor.get(`${path}limit=2${from}`, tenant.key));
    expect(page['data'].length).toBeLessThanOrEqual(2);
    ids.push(...page['data'].map(({ id }: Json) => id as string));
    cursor = page['nextCursor'];
  } while (cursor !== null);
  return ids;
}

describe('the audit log', () => {
  it('tells who did what to whom, newest first', async () => {
    const [newest] = await listed(`/v1/audit?action=space.create&limit=1`);
    expect(newest).toMatchObject({
      id: expect.stringMatching(/^aud_/),
      caller: { kind: 'apiKey', id: expect.stringMatching(/^key_/) },
      action: 'space.create',
      spaceId: other['id'],
      subject: other['id'],
      details: { name: 'Main', stage: other['stage'].arn, room: other['room'].arn },
    });
    const times = (await listed('/v1/audit?limit=100')).map(({ at }) => Date.parse(at));
    expect(times).toEqual(times.toSorted((a, b) => b - a));
  });

  it('has the operator’s acts on the tenant too', async () => {
    expect(await listed('/v1/audit?action=tenant.create')).toMatchObject([
      { caller: { kind: 'operator', id: 'operator' }, subject: tenant.id },
    ]);
  });

  it.each<[string, (entry: Json) => boolean]>([
    ['userId=ann', (entry) => entry['userId'] === 'ann'],
    ['spaceId=:space', (entry) => entry['spaceId'] === space['id']],
    ['action=space.create', (entry) => entry['action'] === 'space.create'],
    ['userId=ann&spaceId=:space', (entry) => entry['userId'] === 'ann' && entry['spaceId'] === space['id']],
    ['callerId=operator', (entry) => entry['caller'].kind === 'operator'],
    ['callerId=operator&action=tenant.create', (entry) => entry['action'] === 'tenant.create'],
    ['userId=nobody', () => false],
  ])('with %s shows that and nothing else', async (query, matches) => {
    const all = await listed('/v1/audit?limit=100');
    const found = await listed(`/v1/audit?limit=100&${query.replace(':space', space['id'])}`);
    const ids = (entries: Json[]) => entries.map(({ id }) => id as string);
    expect(ids(found)).toEqual(ids(all.filter(matches)));
    if (query !== 'userId=nobody') expect(found.length).toBeGreaterThan(0);
  });

  it('since a time shows nothing older', async () => {
    const all = await listed('/v1/audit?limit=100');
    const since = all[2]?.['at'] as string;
    const found = await listed(`/v1/audit?limit=100&since=${since}`);
    expect(found.length).toBe(all.filter(({ at }) => at >= since).length);
    expect(found.length).toBeLessThan(all.length);
    expect(await listed('/v1/audit?since=2100-01-01T00:00:00Z')).toEqual([]);
  });

  it('page by page shows every entry once', async () => {
    const all = (await listed('/v1/audit?limit=100')).map(({ id }) => id as string);
    expect(await paged('/v1/audit?')).toEqual(all);
  });

  it('gives each entry its place in the chain within a few seconds', async () => {
    await until(async () => (await listed('/v1/audit?limit=100')).every(({ seq }) => seq !== null), 'all are sealed');
    const entries = (await listed('/v1/audit?limit=100')).toSorted((a, b) => a['seq'] - b['seq']);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, n) => (entries[0]?.['seq'] as number) + n));
    for (const { hash } of entries) expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('checks its chain, as a whole or a part, and says which entry was changed or is missing', async () => {
    const chain = (query = '', as = tenant.key) => stagedoor.expect(200, stagedoor.get(`/v1/audit/chain${query}`, as));
    await until(async () => (await chain())['waiting'] === 0, 'all are sealed');
    const [newest] = (await listed('/v1/audit?limit=100')).toSorted((a, b) => b['seq'] - a['seq']);
    const { head, checked } = await chain();
    expect(head).toEqual({ id: newest?.['id'], seq: newest?.['seq'], at: newest?.['at'], hash: newest?.['hash'] });
    expect(checked).toEqual({ from: 1, to: head.seq, at: expect.any(String), fault: null });
    expect((await chain('?to=2'))['checked']).toMatchObject({ from: 1, to: 2, fault: null });

    const second = `where tenant_id = '${tenant.id}' and seq = 2`;
    await stagedoor.database.query(`update audit set request_id = request_id || '!' ${second}`);
    const fault = { seq: 2, id: expect.stringMatching(/^aud_/), problem: 'changed' };
    expect((await chain())['checked']).toMatchObject({ fault });
    expect((await chain('?to=1'))['checked']).toMatchObject({ fault: null });
    await stagedoor.database.query(`update audit set request_id = rtrim(request_id, '!') ${second}`);
    expect((await chain())['checked']).toMatchObject({ fault: null });

    const stranger = await stagedoor.createTenant();
    const theirs = await chain('', stranger.key);
    expect(theirs['head']?.hash).not.toBe(head.hash);
    expect(theirs['checked']?.fault ?? null).toBeNull();
    expectProblem(await stagedoor.get('/v1/audit/chain?to=0x10', tenant.key), 'invalid_request');
  });

  it('shows another tenant nothing', async () => {
    const stranger = await stagedoor.createTenant();
    const found = await listed(`/v1/audit?limit=100`, stranger.key);
    expect(found.map(({ subject }) => subject)).not.toContain(space['id']);
    expect(await listed(`/v1/audit?spaceId=${space['id']}`, stranger.key)).toEqual([]);
  });

  it('holds no token', async () => {
    const { text } = await stagedoor.get('/v1/audit?limit=100', tenant.key);
    for (const token of tokens) expect(text).not.toContain(token.slice(-20));
  });
});

describe('the ledger', () => {
  it.each<[string, (grant: Json) => boolean]>([
    ['userId=ann', (grant) => grant['userId'] === 'ann'],
    ['spaceId=:space', (grant) => grant['spaceId'] === space['id']],
    ['state=live', (grant) => grant['state'] === 'live'],
    ['state=expired', (grant) => grant['state'] === 'expired'],
    ['live=true', (grant) => grant['state'] === 'live' || grant['state'] === 'watched'],
    ['userId=bob&live=true', (grant) => grant['userId'] === 'bob' && grant['state'] !== 'revoked'],
  ])('with %s shows that and nothing else', async (query, matches) => {
    const all = await listed('/v1/grants?limit=100');
    expect(all).toHaveLength(6);
    const found = await listed(`/v1/grants?limit=100&${query.replace(':space', space['id'])}`);
    const expected = all.filter(matches);
    if (/^state|^live/.test(query))
      expected.sort((a, b) => Date.parse(b['expiresAt']) - Date.parse(a['expiresAt']) || (a['id'] < b['id'] ? 1 : -1));
    // In the list of a space the session that ends last comes first: that of a chat token.
    if (query.startsWith('spaceId'))
      expected.sort((a, b) => Number(b['kind'] === 'chat') - Number(a['kind'] === 'chat'));
    expect(found).toEqual(expected);
    expect(await paged(`/v1/grants?${query.replace(':space', space['id'])}&`)).toEqual(expected.map(({ id }) => id));
  });

  it.each(['userId=ann', 'spaceId=:space', 'userId=ann&spaceId=:space'])(
    'and the audit log, with %s, go on from a cursor in the order of ids, which builds before gave',
    async (query) => {
      for (const list of ['/v1/grants', '/v1/audit']) {
        const path = `${list}?${query.replace(':space', space['id'])}&`;
        const ids = (await listed(`${path}limit=100`)).map(({ id }) => id as string);
        expect(ids).not.toEqual([]);
        const [newest = '', ...others] = ids.toSorted((a, b) => (a < b ? 1 : -1));
        expect(await paged(path, Buffer.from(newest).toString('base64url'))).toEqual(others);
      }
    },
  );

  it('refuses a cursor of a list in the order of another', async () => {
    const page = await stagedoor.expect(200, stagedoor.get(`/v1/grants?spaceId=${space['id']}&limit=1`, tenant.key));
    for (const list of ['/v1/grants', '/v1/audit'])
      expectProblem(await stagedoor.get(`${list}?cursor=${page['nextCursor']}`, tenant.key), 'invalid_request');
  });

  it('page by page shows every grant once, newest first, and no token', async () => {
    const { body, text } = await stagedoor.get('/v1/grants?limit=100', tenant.key);
    const all = body['data'].map(({ id }: Json) => id as string);
    expect(await paged('/v1/grants?')).toEqual(all);
    expect(all.every((id: string, n: number) => n === 0 || id < all[n - 1])).toBe(true);
    for (const token of tokens) expect(text).not.toContain(token.slice(-20));
  });

  it.each<[string, Json, number, string]>([
    ['a moderator where it moderates', { role: 'moderator' }, 200, 'spaceId=:space'],
    ['a moderator of the whole tenant everywhere', { role: 'host' }, 200, ''],
    ['a speaker nowhere', { role: 'speaker' }, 403, 'spaceId=:space'],
    ['a viewer nowhere', {}, 403, ''],
  ])('is for %s', async (_what, claims, status, query) => {
    const as = await tenant.issuer.token('mona', claims);
    const answer = await stagedoor.get(`/v1/grants?limit=100&${query.replace(':space', space['id'])}`, as);
    if (status === 403) return expectProblem(answer, 'forbidden');
    expect(answer.status).toBe(200);
    expect(answer.body['data']).toHaveLength(query === '' ? 6 : 4);
  });

  it('is for a moderator of one space only there', async () => {
    const path = `/v1/spaces/${space['id']}/members/nina`;
    await stagedoor.request('PUT', path, { as: tenant.key, body: { role: 'moderator' } });
    const as = await tenant.issuer.token('nina');
    expect((await listed(`/v1/grants?spaceId=${space['id']}`, as)).length).toBe(4);
    for (const query of ['', `spaceId=${other['id']}`, 'userId=nina', 'spaceId=spc_01h455vb4pex5vsknk084sn02q']) {
      expectProblem(await stagedoor.get(`/v1/grants?${query}`, as), 'forbidden');
    }
    expectProblem(await stagedoor.get(`/v1/audit?spaceId=${space['id']}`, as), 'forbidden');
  });
});
