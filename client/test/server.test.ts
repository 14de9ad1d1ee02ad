/** The client for back ends against the real service, over a network that loses answers. */
import { type Json, Stagedoor as Service, type TestTenant } from '../../test/support/stagedoor.ts';
import { createStagedoorServer, type StagedoorServer, StagedoorProblem } from '../src/server/index.ts';

let service: Service;
let tenant: TestTenant;
let spaceId: string;
/** The requests that were sent: method, path and key. */
let sent: { method: string; path: string; key: string | null; at: number }[];
/** What becomes of the next requests: the answer is lost, or it is another one. */
let fates: ('lost' | Response)[];
let stagedoor: StagedoorServer;

beforeAll(async () => {
  service = await Service.start();
  tenant = await service.createTenant();
  spaceId = ((await service.createSpace(tenant)) as { id: string }).id;
});
afterAll(() => service.stop());

beforeEach(() => {
  sent = [];
  fates = [];
  stagedoor = createStagedoorServer({
    url: service.url,
    apiKey: tenant.key,
    fetch: async (input, init) => {
      const request = input as Request;
      const { pathname } = new URL(request.url);
      const key = request.headers.get('idempotency-key');
      sent.push({ method: request.method, path: pathname, key, at: performance.now() });
      const fate = fates.shift();
      if (fate instanceof Response) return fate;
      const answer = await fetch(request, init);
      if (fate === 'lost') throw new TypeError('the connection broke');
      return answer;
    },
  });
});

async function bansOf(userId: string): Promise<Json[]> {
  return (await service.expect(200, service.get(`/v1/bans?userId=${userId}`, tenant.key)))['data'] as Json[];
}

async function gather<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

it('vends, bans, lifts and reads the ledger', async () => {
  const vended = await stagedoor.vend(spaceId, { userId: 'ada', role: 'host', attributes: { team: 'red' } });
  expect(vended).toMatchObject({ userId: 'ada', role: 'host', stage: { attributes: { team: 'red' } }, chat: {} });
  const { ban } = await stagedoor.ban({ userId: 'ada', spaceId, reason: 'spam' });
  await expect(stagedoor.vend(spaceId, { userId: 'ada' })).rejects.toMatchObject({
    name: 'StagedoorProblem',
    code: 'banned',
    status: 403,
    document: { reason: 'spam' },
  });
  expect(await stagedoor.lift(ban.id, 'a mistake')).toMatchObject({ id: ban.id, state: 'lifted' });
  const grants = await gather(stagedoor.ledger({ userId: 'ada', spaceId }));
  expect(grants.map(({ kind }) => kind).sort()).toEqual(['chat', 'stage']);
});

it('every path of the OpenAPI document is typed, and a body is what comes back', async () => {
  const space = await stagedoor.POST('/v1/spaces', { body: { name: 'Typed', room: true, stage: false } });
  expect((await stagedoor.GET('/v1/spaces/{spaceId}', { params: { path: { spaceId: space.id } } })).name).toBe('Typed');
  const path = { spaceId: space.id };
  expect((await stagedoor.PATCH('/v1/spaces/{spaceId}', { params: { path }, body: { name: 'New' } })).name).toBe('New');
  await stagedoor.PUT('/v1/spaces/{spaceId}/members/{userId}', {
    params: { path: { ...path, userId: 'a/b ü?' } },
    body: { role: 'host' },
  });
  const members = await gather(stagedoor.list('/v1/spaces/{spaceId}/members', { path }));
  expect(members).toEqual([expect.objectContaining({ userId: 'a/b ü?', role: 'host' })]);
  expect(await stagedoor.DELETE('/v1/spaces/{spaceId}', { params: { path } })).toBeUndefined();
  // @ts-expect-error -- a body that the document does not allow
  await expect(stagedoor.POST('/v1/spaces', { body: { nam: 'x' } })).rejects.toMatchObject({
    code: 'invalid_request',
    errors: expect.arrayContaining([expect.objectContaining({ message: expect.any(String) })]),
  });
});

it('reads lists page after page', async () => {
  const { id } = await stagedoor.POST('/v1/spaces', { body: { name: 'Many', stage: false } });
  const users = ['u1', 'u2', 'u3', 'u4', 'u5'];
  for (const userId of users) {
    await stagedoor.PUT('/v1/spaces/{spaceId}/members/{userId}', {
      params: { path: { spaceId: id, userId } },
      body: { role: 'viewer' },
    });
  }
  sent = [];
  const entries = stagedoor.list('/v1/spaces/{spaceId}/members', { path: { spaceId: id }, query: { limit: 2 } });
  expect((await gather(entries)).map(({ userId }) => userId).sort()).toEqual(users);
  expect(sent.length).toBeGreaterThanOrEqual(3);
});

it('follows the events for ever, and goes on behind the one that it has; as a list they end', async () => {
  const { id } = await stagedoor.POST('/v1/spaces', { body: { name: 'Told', stage: false } });
  const seen: string[] = [];
  let last: string | undefined;
  for (const name of ['One', 'Two']) {
    await stagedoor.PATCH('/v1/spaces/{spaceId}', { params: { path: { spaceId: id } }, body: { name } });
    // Waits for the event: it comes behind the last one.
    for await (const event of stagedoor.events({ spaceId: id, type: 'space.updated', ...(last && { after: last }) })) {
      last = event.id;
      seen.push('name' in event.data ? event.data.name : event.type);
      break;
    }
  }
  expect(seen).toEqual(['One', 'Two']);
  const listed = await gather(stagedoor.list('/v1/events', { query: { spaceId: id, limit: 1 } }));
  expect(listed.map(({ type }) => type)).toEqual(['space.created', 'space.updated', 'space.updated']);
});

it('repeats a write whose answer was lost, with the same key: it is carried out once', async () => {
  fates = ['lost', 'lost'];
  const { ban } = await stagedoor.ban({ userId: 'bob', spaceId });
  expect(sent).toHaveLength(3);
  expect(new Set(sent.map(({ key }) => key)).size).toBe(1);
  expect(sent[0]?.key).toMatch(/^[0-9a-f-]{36}$/);
  expect((await bansOf('bob')).map(({ id }) => id)).toEqual([ban.id]);
});

it('two writes have two keys, and a key of your own stays', async () => {
  await stagedoor.ban({ userId: 'carl', spaceId });
  await stagedoor.ban({ userId: 'dora', spaceId });
  await stagedoor.POST('/v1/bans', {
    body: { userId: 'emil', spaceId },
    params: { header: { 'Idempotency-Key': 'mine' } },
  });
  const keys = sent.map(({ key }) => key);
  expect(keys[0]).not.toBe(keys[1]);
  expect(keys[2]).toBe('mine');
});

it('honours Retry-After, and repeats reads too', async () => {
  fates = [new Response('{}', { status: 503, headers: { 'retry-after': '1' } })];
  await stagedoor.GET('/v1/roles');
  expect(sent).toHaveLength(2);
  expect(sent[1]!.at - sent[0]!.at).toBeGreaterThan(950);
});

it('does not repeat what would be refused again, and gives up in the end', async () => {
  await expect(
    stagedoor.GET('/v1/spaces/{spaceId}', { params: { path: { spaceId: 'spc_01jqqqqqqqqqqqqqqqqqqqqqqq' } } }),
  ).rejects.toMatchObject({ code: 'not_found', requestId: expect.any(String) });
  expect(sent).toHaveLength(1);
  const impatient = createStagedoorServer({
    url: 'http://127.0.0.1:1',
    apiKey: tenant.key,
    patienceSeconds: 0.5,
  });
  await expect(impatient.GET('/v1/roles')).rejects.toThrow(StagedoorProblem);
  await expect(impatient.GET('/v1/roles')).rejects.toMatchObject({ code: 'network', status: 0 });
});
