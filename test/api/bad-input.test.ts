import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { cpuMsOf } from '../support/own-time.ts';
import { expectProblem, expectProblemDocument } from '../support/problem.ts';
import { type RawAnswer, sendRaw } from '../support/raw-http.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { patienceMs } from '../support/until.ts';

const { operatorToken } = Stagedoor;
let stagedoor: Stagedoor;
let tenant: TestTenant;
/** What `:name` in a path below stands for. */
const ids: Record<string, string> = {};

beforeAll(async () => {
  stagedoor = await Stagedoor.start({
    VENDS_PER_USER_PER_MINUTE: '10000',
    WEBHOOKS_ALLOW_PRIVATE_ADDRESSES: 'false',
  });
  tenant = await stagedoor.createTenant();
  ids['tenant'] = tenant.id;
  ids['otherTenant'] = (await stagedoor.createTenant()).id;
  ids['space'] = (await stagedoor.createSpace(tenant))['id'];
  await makeKey();
});

afterAll(async () => {
  await stagedoor.stop();
});

/** Makes a new API key the one that paths name. */
async function makeKey(): Promise<void> {
  const body = { name: 'k', scopes: ['spaces:read'] };
  ids['key'] = (await stagedoor.expect(201, stagedoor.post('/v1/api-keys', tenant.key, body)))['id'];
}

/** Sends a body as it is, to an operation of the table. No body may keep the processor busy for a second. */
async function send({ method, path, as }: Operation, body: string | Buffer, headers: Record<string, string> = {}) {
  let answer: Answer | undefined;
  const cpuMs = await cpuMsOf(async () => {
    const credential = as === 'operator' ? operatorToken : tenant.key;
    answer = await stagedoor.request(method, fill(path), { as: credential, body, headers });
  });
  expect(cpuMs).toBeLessThan(1_000);
  if (!answer) throw new Error('no answer');
  return answer;
}

function fill(path: string): string {
  return path.replace(/:(\w+)/g, (_, name: string) => ids[name] ?? '');
}

interface Operation {
  method: string;
  path: string;
  as: 'operator' | 'key';
  /** A body that is accepted, with every field there is. */
  body: Json;
  /** `field value` of what looks wrong and is not. */
  fine?: string[];
}

const names = { name: 'Name' };
const token = { userId: 'u', role: 'viewer', attributes: { k: 'v' } };
const operations: Operation[] = [
  {
    method: 'POST',
    path: '/v1/tenants',
    as: 'operator',
    body: {
      slug: 'another',
      ...names,
      region: 'eu-west-1',
      aws: { roleArn: 'arn:aws:iam::444455556666:role/r', externalId: 'x-1' },
    },
  },
  {
    method: 'PATCH',
    path: '/v1/tenants/:otherTenant',
    as: 'operator',
    body: {
      ...names,
      status: 'active',
      ivsUserIds: 'plain',
      aws: { roleArn: 'arn:aws:iam::444455556666:role/r', externalId: 'x-1' },
    },
    fine: ['aws null'],
  },
  {
    method: 'POST',
    path: '/v1/tenants/:tenant/api-keys',
    as: 'operator',
    body: { ...names, scopes: ['*'], expiresAt: '2100-01-01T00:00:00Z' },
  },
  {
    method: 'POST',
    path: '/v1/api-keys',
    as: 'key',
    body: { ...names, scopes: ['*'], expiresAt: '2100-01-01T00:00:00Z' },
  },
  { method: 'POST', path: '/v1/api-keys/:key/rotate', as: 'key', body: { graceSeconds: 60 } },
  {
    method: 'PUT',
    path: '/v1/roles/probe',
    as: 'key',
    body: {
      stage: { capabilities: ['PUBLISH'], ttlSeconds: 600 },
      chat: { capabilities: ['SEND_MESSAGE'], sessionMinutes: 60 },
      moderator: true,
      rank: 1,
      attributes: { k: 'v' },
    },
    fine: ['stage null', 'chat null', 'chat.capabilities []', 'attributes.k ""'],
  },
  {
    method: 'POST',
    path: '/v1/spaces',
    as: 'key',
    body: { ...names, stage: true, room: true, defaultRole: 'viewer', capacity: 5, metadata: { k: 'v' } },
    fine: ['defaultRole null', 'capacity null', 'metadata.k *'],
  },
  {
    method: 'PATCH',
    path: '/v1/spaces/:space',
    as: 'key',
    body: { ...names, status: 'open', defaultRole: 'viewer', capacity: 5, metadata: { k: 'v' } },
    fine: ['defaultRole null', 'capacity null', 'metadata.k *'],
  },
  { method: 'PUT', path: '/v1/spaces/:space/members/ann', as: 'key', body: { role: 'viewer' } },
  {
    method: 'POST',
    path: '/v1/spaces/:space/join',
    as: 'key',
    body: { ...token, stage: true, chat: true },
    fine: ['attributes.k ""'],
  },
  { method: 'POST', path: '/v1/spaces/:space/stage-tokens', as: 'key', body: token, fine: ['attributes.k ""'] },
  { method: 'POST', path: '/v1/users/ann/notes', as: 'key', body: { text: 'calm' } },
  { method: 'POST', path: '/v1/spaces/:space/chat-tokens', as: 'key', body: token, fine: ['attributes.k ""'] },
];

/** JSON texts that are wrong for a field of which this is a right value. */
function wrongFor(value: unknown): string[] {
  const never = ['[[]]', '{"x":1}', '[{}]'];
  if (typeof value === 'string') {
    const tooLong = JSON.stringify('x'.repeat(5_000));
    return [
      ...never,
      'null',
      '1',
      'true',
      '[]',
      '["x"]',
      '{}',
      '""',
      tooLong,
      '"a\\u0000b"',
      '"\\ud800"',
      '"x\\udc00"',
    ];
  }
  if (typeof value === 'number') return [...never, 'null', '"1"', 'true', '-1', '1.5', '1e12', '1e999', '"NaN"'];
  if (typeof value === 'boolean') return [...never, 'null', '"true"', '1', '0', '""'];
  if (Array.isArray(value)) {
    return [...never, 'null', '"x"', '1', '[]', '[null]', '[1]', '["NOPE"]', `[${'"x",'.repeat(500)}"x"]`];
  }
  return ['null', '"x"', '1', 'true', '[]', '[1]', '[[]]'];
}

/** Every field of a body, by its dotted path, with its value. */
function fieldsOf(body: Json, prefix = ''): [string, unknown][] {
  const own = Object.entries(body).map(([name, value]) => [prefix + name, value] as [string, unknown]);
  const inner = own.flatMap(([path, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? fieldsOf(value as Json, `${path}.`) : [],
  );
  return own.concat(inner);
}

/** The body as JSON with one field replaced by a JSON text. */
function withField(body: Json, path: string, json: string): string {
  const copy = structuredClone(body);
  const parts = path.split('.');
  const last = parts.pop() ?? '';
  const at = parts.reduce<Json>((inner, part) => inner[part] as Json, copy);
  at[last] = '@@';
  return JSON.stringify(copy).replace('"@@"', () => json);
}

const fields = operations.flatMap((operation) =>
  fieldsOf(operation.body).map(([field, value]) => ({
    operation,
    field,
    value,
    what: `${operation.method} ${operation.path}`,
  })),
);

describe('a field with a wrong value is named in the refusal', () => {
  it.each(fields)('$what: $field', async ({ operation, field, value }) => {
    const fine = operation.fine ?? [];
    if (fine.includes(`${field} *`)) return;
    for (const wrong of wrongFor(value).filter((json) => !fine.includes(`${field} ${json}`))) {
      const answer = await send(operation, withField(operation.body, field, wrong));
      expect({ wrong: wrong.slice(0, 40), status: answer.status }).toEqual({ wrong: wrong.slice(0, 40), status: 400 });
      expectProblem(answer, 'invalid_request');
      expect(String(answer.body['errors']?.[0]?.path)).toMatch(new RegExp(`^${field.replaceAll('.', '\\.')}(\\.|$)`));
    }
  });

  it.each(fields.filter(({ field }) => /^(metadata|attributes)$/.test(field)))(
    '$what: what is inside $field',
    async ({ operation, field }) => {
      for (const wrong of ['{"a\\u0000b":"v"}', '{"\\ud800":"v"}', '{"":"v"}', '{"k":"\\u0000"}', '{"k":"\\ud800"}']) {
        const answer = await send(operation, withField(operation.body, field, wrong));
        expect({ wrong, status: answer.status }).toEqual({ wrong, status: 400 });
        expectProblem(answer, 'invalid_request');
      }
      const wide = JSON.stringify({ k: 'x'.repeat(20_000) });
      expectProblem(await send(operation, withField(operation.body, field, wide)), 'invalid_request');
    },
  );

  it('nested metadata with text that cannot be stored', async () => {
    const create = operations.find(({ path }) => path === '/v1/spaces');
    if (!create) throw new Error('no operation creates spaces');
    for (const wrong of ['{"a":{"b":["\\u0000"]}}', '{"a":[{"\\udfff":1}]}']) {
      expectProblem(await send(create, withField(create.body, 'metadata', wrong)), 'invalid_request');
    }
  });
});

describe.each(operations)('$method $path', (operation) => {
  const { body, path } = operation;

  // A key can be rotated once, and a tenant has a quota of keys.
  const refresh = path.includes(':key') ? makeKey : () => Promise.resolve();
  beforeEach(refresh);

  const required = Object.keys(body).filter((name) => ['slug', 'name', 'scopes'].includes(name));

  it('accepts the body of the table, so that what is refused below is refused for what is wrong with it', async () => {
    const fresh = JSON.stringify(path === '/v1/tenants' ? { ...body, slug: `s-${Date.now()}` } : body);
    expect((await send(operation, fresh)).status).toBeLessThan(300);
  });

  it('refuses a body without what is required', async () => {
    if (operation.method === 'PATCH') return;
    for (const name of required) {
      const { [name]: _, ...rest } = body;
      const answer = await send(operation, JSON.stringify(rest));
      expectProblem(answer, 'invalid_request');
      expect(answer.body['errors'][0].path).toBe(name);
    }
  });

  it('refuses fields it does not know', async () => {
    for (const name of ['tenantId', 'id', 'createdAt', 'hash', 'state', 'constructor', 'toString', '$ne']) {
      const answer = await send(operation, JSON.stringify({ ...body, [name]: 'x' }));
      expect({ name, status: answer.status }).toEqual({ name, status: 400 });
      expectProblem(answer, 'invalid_request');
      expect(JSON.stringify(answer.body['errors'])).toContain(name);
    }
  });

  it('refuses a body that is not an object', async () => {
    for (const text of ['[]', '"x"', '1', 'null', 'true']) {
      expectProblem(await send(operation, text), 'invalid_request');
    }
  });

  it('takes an empty body for none', async () => {
    const none = await send(operation, '');
    await refresh();
    const untyped = await stagedoor.request(operation.method, fill(path), {
      as: operation.as === 'operator' ? operatorToken : tenant.key,
    });
    for (const answer of [none, untyped]) {
      if (answer.status >= 300) expectProblem(answer, 'invalid_request');
    }
    expect(none.status).toBe(untyped.status);
  });
});

// One reader takes in the bodies of all routes: three of them are enough to show what it refuses.
describe.each(operations.filter(({ path }) => /tenants$|spaces$|join$/.test(path)))('$method $path', (operation) => {
  it.each([
    ['cut off', '{"name":'],
    ['followed by more', '{} {}'],
    ['with a comment', '{/**/}'],
    ['of an endless number', '{"name":1e99999'],
    ['of 30,000 levels', `{"metadata":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
    ['of 30,000 open brackets', '['.repeat(30_000)],
    ['of 21 levels', `{"metadata":${'{"a":'.repeat(21)}1${'}'.repeat(21)}}`],
    ['with __proto__', '{"__proto__":{"polluted":true}}'],
    ['with __proto__ inside', '{"metadata":{"a":{"__proto__":{"polluted":true}}}}'],
    ['with __proto__ in escapes', '{"\\u005f_proto__":{"polluted":true}}'],
    ['with constructor.prototype', '{"constructor":{"prototype":{"polluted":true}}}'],
    ['with constructor.prototype inside', '{"metadata":{"constructor":{"prototype":{"polluted":true}}}}'],
  ])('refuses a body %s', async (_what, text) => {
    expectProblem(await send(operation, text), 'invalid_request');
    expect(({} as Json)['polluted']).toBeUndefined();
  });

  it('refuses a body that is not UTF-8', async () => {
    const broken = Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xc3, 0x28, 0x22, 0x7d]);
    expectProblem(await send(operation, broken), 'invalid_request');
  });

  it('refuses a body of a megabyte', async () => {
    expectProblem(await send(operation, JSON.stringify({ name: 'x'.repeat(1024 * 1024) })), 'payload_too_large');
  });

  it.each([
    'application/x-www-form-urlencoded',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/jsonx',
    'application/json, text/plain',
    'text/json',
    'nonsense',
  ])('refuses a body of type %s', async (type) => {
    const answer = await send(operation, JSON.stringify(operation.body), { 'content-type': type });
    expectProblem(answer, 'invalid_request', 415);
  });

  it.each([
    ['gzip', gzipSync('{}')],
    ['GZIP', gzipSync('{}')],
    ['deflate', deflateSync('{}')],
    ['br', brotliCompressSync('{}')],
    ['gzip, identity', gzipSync('{}')],
    ['nonsense', '{}'],
  ])('refuses a body with the encoding %s, whatever its type', async (encoding, body) => {
    for (const type of ['application/json', 'text/plain']) {
      const answer = await send(operation, body, { 'content-type': type, 'content-encoding': encoding });
      expectProblem(answer, 'invalid_request', 415);
      expect(answer.body['detail']).toContain('content-encoding');
      expect(answer.headers.get('accept-encoding')).toBe('identity');
    }
  });
});

describe('an empty body', () => {
  const form = 'application/x-www-form-urlencoded';
  let room: string;

  beforeAll(async () => {
    room = `/v1/spaces/${(await stagedoor.createSpace(tenant))['id']}`;
  });

  /** Routes that need no body, and what they answer however often they are asked. */
  const routes: [string, () => string, RegExp][] = [
    ['POST', () => `${room}/users/nobody/disconnect`, /^20[02]$/],
    ['POST', () => '/v1/users/nobody/revoke', /^20[02]$/],
    ['DELETE', () => `${room}/members/nobody`, /^404$/],
    ['DELETE', () => '/v1/bans/ban_01h455vb4pex5vsknk084sn02q', /^404$/],
    ['GET', () => '/v1/roles', /^200$/],
  ];
  /** Asks again while the machine is too slow for the service. */
  async function ask(request: string): Promise<RawAnswer> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const answer = await sendRaw(stagedoor.url, request);
      if (answer.status !== 503 || performance.now() > deadline) return answer;
    }
  }

  const head = (method: string, path: string, as: string, headers: string) =>
    `${method} ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${as}\r\n${headers}\r\nconnection: close\r\n\r\n`;

  describe.each([
    ['of a form, as axios, urllib and curl send it', `content-type: ${form}\r\ncontent-length: 0`, ''],
    ['of a form, without a length', `content-type: ${form}`, ''],
    ['of a form, in chunks', `content-type: ${form}\r\ntransfer-encoding: chunked`, '0\r\n\r\n'],
    ['in chunks', 'transfer-encoding: chunked', '0\r\n\r\n'],
    ['of plain text', 'content-type: text/plain;charset=UTF-8\r\ncontent-length: 0', ''],
    ['of JSON', 'content-type: application/json\r\ncontent-length: 0', ''],
    ['of a type that is none', 'content-type: nonsense\r\ncontent-length: 0', ''],
    ['that is said to be compressed', `content-type: ${form}\r\ncontent-encoding: gzip\r\ncontent-length: 0`, ''],
    ['without a type', 'content-length: 0', ''],
  ])('%s', (_, headers, body) => {
    it('is accepted where a route needs none', async () => {
      const token = await tenant.issuer.token('without-a-body');
      const joining = ['join', 'stage-tokens', 'chat-tokens'].map(
        (what) => ['POST', () => `${room}/${what}`, /^201$/] as const,
      );
      for (const [credential, asked] of [
        [tenant.key, routes],
        [token, joining],
      ] as const) {
        for (const [method, path, status] of asked) {
          const answer = await ask(head(method, path(), credential, headers) + body);
          expect({ path: path(), status: String(answer.status) }).toEqual({
            path: path(),
            status: expect.stringMatching(status),
          });
        }
      }
    });

    it('is told apart from a wrong type where a route needs one', async () => {
      const { status, text } = await ask(head('POST', '/v1/spaces', tenant.key, headers) + body);
      expect({ status, code: JSON.parse(text).code }).toEqual({ status: 400, code: 'invalid_request' });
    });
  });

  it('is no body with something in it: that has a type, in chunks too', async () => {
    const chunked = `content-type: ${form}\r\ntransfer-encoding: chunked`;
    const request = head('POST', `${room}/users/nobody/disconnect`, tenant.key, chunked);
    const { status, text } = await ask(`${request}3\r\na=b\r\n0\r\n\r\n`);
    expect(status).toBe(415);
    expect(text).toMatch(/content-type: application\/json/);
  });
});

describe.each(['.', '..'])('the user id %s', (userId) => {
  it('is refused in bodies, in queries and in paths, however it is written', async () => {
    const space = `/v1/spaces/${ids['space']}`;
    const asked = [
      stagedoor.post('/v1/bans', tenant.key, { userId }),
      stagedoor.post(`${space}/join`, tenant.key, { userId }),
      stagedoor.get(`/v1/grants?userId=${userId}`, tenant.key),
    ];
    for (const answer of await Promise.all(asked)) expectProblem(answer, 'invalid_request');
    for (const written of [userId, userId.replaceAll('.', '%2e')]) {
      const path = `/v1/users/${written}/revoke`;
      const { status, text } = await sendRaw(
        stagedoor.url,
        `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${tenant.key}\r\ncontent-length: 0\r\n\r\n`,
      );
      expect({ path, status }).toEqual({ path, status: 400 });
      expect(text).toContain('"path":"","message":"must not be . or ..');
    }
  });

  it('is refused in a JWT', async () => {
    expectProblem(
      await stagedoor.post(`/v1/spaces/${ids['space']}/join`, await tenant.issuer.token(userId), {}),
      'unauthenticated',
    );
  });
});

describe('the URL of a webhook endpoint', () => {
  test.each([
    'http://93.184.215.14/',
    'https://10.0.0.1/',
    'https://169.254.169.254/latest/meta-data',
    'https://[::1]/',
    'https://localhost/',
    'https://93.184.215.14:8443/',
    'https://user:secret@93.184.215.14/',
    'ftp://93.184.215.14/',
  ])('%s is refused when it is made and when it is changed', async (url) => {
    const as = tenant.key;
    const body = { url: 'https://93.184.215.14/', types: ['webhook.disabled'] };
    const { id } = await stagedoor.expect(201, stagedoor.post('/v1/webhooks', as, body));
    const at = `/v1/webhooks/${id}`;
    for (const answer of [
      await stagedoor.post('/v1/webhooks', as, { ...body, url }),
      await stagedoor.request('PATCH', at, { as, body: { url } }),
    ]) {
      expectProblem(answer, 'invalid_request');
      expect(answer.body['errors']).toMatchObject([{ path: 'url' }]);
      expect(answer.text).not.toContain('secret');
    }
    expect((await stagedoor.expect(200, stagedoor.get(at, as)))['url']).toBe(body.url);
    await stagedoor.expect(204, stagedoor.request('DELETE', at, { as }));
  });
});

describe('a list', () => {
  const lists = [
    '/v1/spaces',
    '/v1/roles',
    '/v1/api-keys',
    '/v1/issuers',
    '/v1/console-issuers',
    '/v1/console-users',
    '/v1/signing-keys',
    '/v1/audit',
    '/v1/audit/checkpoints',
    '/v1/grants',
    '/v1/spaces/:space/members',
    '/v1/spaces/:space/participants',
    '/v1/spaces/:space/sessions',
    '/v1/spaces/:space/sessions/:session/participants',
    '/v1/spaces/:space/sessions/:session/participants/:participant/events',
    '/v1/spaces/:space/sessions/:session/attendance',
    '/v1/bans',
    '/v1/actions',
    '/v1/users/:user/notes',
    '/v1/actions/:action/targets',
    '/v1/events',
    '/v1/webhooks',
    '/v1/webhooks/:webhook/deliveries',
    '/v1/tenants',
    '/v1/tenants/:tenant/signing-keys',
  ];
  const as = (path: string) => (path.startsWith('/v1/tenants') ? operatorToken : tenant.key);
  const cursor = (text: string) => Buffer.from(text).toString('base64url');
  const queries = [
    ...['0', '-1', '101', '1000000000', '1.5', 'x', '', '0x10', '1e1', '%2050', 'NaN', '5&limit=6'].map(
      (limit) => `limit=${limit}`,
    ),
    ...['', '%00', '!', 'x', '=', `${cursor('a')}=`, 'x'.repeat(1_025), cursor('\0'), '%ff'].map(
      (value) => `cursor=${value}`,
    ),
    `cursor=${cursor('a')}&cursor=${cursor('b')}`,
    'limit[]=5',
    'limit[gt]=5',
    'offset=10',
    'LIMIT=5',
    '__proto__=x',
    'constructor=x',
    '__proto__[polluted]=1',
  ];

  beforeAll(async () => {
    const space = ids['space'];
    // Nothing of this type happens, so nothing is sent there.
    const webhook = { url: 'https://93.184.215.14/hooks', types: ['webhook.disabled'] };
    ids['webhook'] = (await stagedoor.expect(201, stagedoor.post('/v1/webhooks', tenant.key, webhook)))['id'];
    const body = { userId: 'banned', spaceId: space };
    ids['action'] = (await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, body)))['action']['id'];
    [ids['user'], ids['session'], ids['participant']] = ['ann', 'st-made', 'made'];
    const columns = 'tenant_id, space_id, session_id';
    await stagedoor.database.query(
      `with looks as (insert into stage_looks (tenant_id, space_id) values ($1, $2) on conflict do nothing),
         made as (insert into stage_sessions (${columns}, started_at) values ($1, $2, $3, now()))
       insert into stage_participants (${columns}, participant_id, joined_at, seen_at, certainty)
       values ($1, $2, $3, $4, now(), now(), 'reported')`,
      [tenant.id, space, ids['session'], ids['participant']],
    );
  });

  it.each(lists)('%s refuses a query it does not know', async (path) => {
    for (const query of queries) {
      const answer = await stagedoor.get(`${fill(path)}?${query}`, as(path));
      expect({ query, status: answer.status }).toEqual({ query, status: 400 });
      expectProblem(answer, 'invalid_request');
    }
    expect(({} as Json)['polluted']).toBeUndefined();
  });

  it('is in this table if the OpenAPI document has it', async () => {
    const { paths } = await stagedoor.expect(200, stagedoor.get('/openapi.json'));
    const found = Object.entries<Json>(paths as Json)
      .filter(([, { get }]) => get?.parameters?.some(({ name }: Json) => name === 'cursor'))
      .map(([path]) => path.replaceAll(/[{](\w+?)(?:Id)?[}]/g, ':$1'));
    expect(found.toSorted()).toEqual(lists.toSorted());
  });

  it.each(lists)('%s refuses a cursor that cannot be of this list', async (path) => {
    for (const key of ['\u{10ffff}', ' 1', "' or 1=1", '{}', 'held: x', 'zzz 2026-99-99T00:00:00.000Z grt_x']) {
      const answer = await stagedoor.get(`${fill(path)}?cursor=${cursor(key)}`, as(path));
      // The tenant chooses the ids of its users: any text can be one. The page has those after it.
      if (/\/members$|-users$/.test(path)) {
        expect(answer.status).toBe(200);
        const before = (answer.body['data'] as Json[]).filter(
          ({ userId }) => Buffer.compare(Buffer.from(userId), Buffer.from(key)) <= 0,
        );
        expect(before).toEqual([]);
      } else {
        expect({ key, status: answer.status }).toEqual({ key, status: 400 });
        expect(answer.body['errors']).toMatchObject([{ path: 'cursor' }]);
      }
    }
  });

  it.each([
    ['/v1/audit', 'since=yesterday'],
    ['/v1/audit', 'since=2024-13-01T00:00:00Z'],
    ['/v1/audit', 'since=0000-01-01T00:00:00Z'],
    ['/v1/audit', 'action='],
    ['/v1/audit', 'userId=%00'],
    ['/v1/audit', `spaceId=${'x'.repeat(65)}`],
    ['/v1/audit', 'userId=a&userId=b'],
    ['/v1/grants', 'state=dead'],
    ['/v1/grants', 'live=yes'],
    ['/v1/grants', 'live='],
    ['/v1/grants', `ivsUserId=${'x'.repeat(129)}`],
    ['/v1/actions', 'kind=nothing'],
    ['/v1/actions', 'kind=ban&state=pending'],
    ['/v1/actions', 'userId=ann&state=delivered'],
    ['/v1/grants', `userId=${'x'.repeat(129)}`],
  ])('%s refuses %s', async (path, query) => {
    expectProblem(await stagedoor.get(`${path}?${query}`, tenant.key), 'invalid_request');
  });
});

describe('an id in a path', () => {
  const places: [string, string, 'operator' | 'key', Json | undefined][] = [
    ['GET', '/v1/tenants/:id', 'operator', undefined],
    ['PATCH', '/v1/tenants/:id', 'operator', { name: 'x' }],
    ['DELETE', '/v1/tenants/:id', 'operator', undefined],
    ['GET', '/v1/tenants/:id/end', 'operator', undefined],
    ['GET', '/v1/erasures/:id', 'key', undefined],
    ['POST', '/v1/tenants/:id/api-keys', 'operator', { name: 'x', scopes: ['*'] }],
    ['DELETE', '/v1/api-keys/:id', 'key', undefined],
    ['POST', '/v1/api-keys/:id/rotate', 'key', {}],
    ['GET', '/v1/issuers/:id', 'key', undefined],
    ['DELETE', '/v1/issuers/:id', 'key', undefined],
    ['DELETE', '/v1/roles/:id', 'key', undefined],
    ['GET', '/v1/spaces/:id', 'key', undefined],
    ['PATCH', '/v1/spaces/:id', 'key', { name: 'x' }],
    ['DELETE', '/v1/spaces/:id', 'key', undefined],
    ['GET', '/v1/spaces/:id/members', 'key', undefined],
    ['PUT', '/v1/spaces/:id/members/u', 'key', { role: 'viewer' }],
    ['DELETE', '/v1/spaces/:id/members/u', 'key', undefined],
    ['POST', '/v1/spaces/:id/join', 'key', { userId: 'u' }],
    ['POST', '/v1/spaces/:id/stage-tokens', 'key', { userId: 'u' }],
    ['POST', '/v1/spaces/:id/chat-tokens', 'key', { userId: 'u' }],
    ['POST', '/v1/spaces/:id/console-chat-tokens', 'key', {}],
    ['POST', '/v1/signing-keys/:id/kill', 'key', {}],
    ['DELETE', '/v1/signing-keys/:id', 'key', undefined],
    ['DELETE', '/v1/users/ann/notes/:id', 'key', undefined],
  ];
  const strange = [
    '%00',
    'a%00b',
    '%20',
    '%2e%2e%2f',
    "'--",
    '%f0%9f%92%a9',
    '{}',
    '*',
    '%25',
    'x'.repeat(300),
    'null',
  ];

  it.each(places)('%s %s that is strange is answered like one that never was', async (method, path, as, body) => {
    for (const id of strange) {
      const answer = await stagedoor.request(method, path.replace(':id', id), {
        as: as === 'operator' ? operatorToken : tenant.key,
        ...(body && { body }),
      });
      expect({ id, is: [400, 404].includes(answer.status) || answer.status }).toEqual({ id, is: true });
      expectProblemDocument(answer);
    }
  });

  it.each(['%', '%zz', '%c3%28', '%ed%a0%80', '%ff'])('%s that cannot be decoded is refused', async (id) => {
    const answer = await stagedoor.get(`/v1/spaces/${id}`, tenant.key);
    expect([400, 404]).toContain(answer.status);
    expectProblemDocument(answer);
  });
});

describe('a time', () => {
  const takers: [string, string, (at: string) => Promise<Answer>][] = [
    ['expiresAt', 'of a ban', (at) => post('/v1/bans', { userId: 'u', expiresAt: at })],
    ['expiresAt', 'of an API key', (at) => post('/v1/api-keys', { name: 'k', scopes: ['*'], expiresAt: at })],
    ['issuedBefore', 'of a revocation', (at) => post('/v1/users/u/revoke', { issuedBefore: at })],
    ['since', 'of the audit log', (at) => stagedoor.get(`/v1/audit?since=${at}`, tenant.key)],
  ];
  const post = (path: string, body: Json) => stagedoor.post(path, tenant.key, body);

  it.each(takers)('%s %s in the year 0, which Postgres does not know, is refused', async (name, _what, send) => {
    const answer = await send('0000-12-31T23:59:59Z');
    expectProblem(answer, 'invalid_request');
    expect(answer.body['errors']).toEqual([{ path: name, message: expect.stringMatching(/year 1/) }]);
  });

  it.each(takers)('%s %s in the last years that can be written is taken, however fine', async (_name, _what, send) => {
    for (const at of ['9999-12-31T23:59:59.9999999Z', `2999-01-01T00:00:00.${'9'.repeat(300)}Z`]) {
      const answer = await send(at);
      expect(answer.status).toBeLessThan(300);
    }
  });

  it.each(takers)('%s %s in the first year is nothing that fails', async (_name, _what, send) => {
    expect((await send('0001-01-01T00:00:00Z')).status).toBeLessThan(500);
  });
});
