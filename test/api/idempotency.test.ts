import { hash, randomUUID } from 'node:crypto';
import pg from 'pg';
import { TenantEndWorker } from '../../src/erasure/tenant-end-worker.ts';
import { IdempotencyKeys } from '../../src/http/idempotency-keys.ts';
import { asSuperuser } from '../support/database.ts';
import { expectProblem } from '../support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
});

afterAll(async () => {
  await stagedoor.stop();
});

function send(method: string, path: string, key: string, body?: unknown, as = tenant.key): Promise<Answer> {
  return stagedoor.request(method, path, {
    as,
    headers: { 'idempotency-key': key },
    ...(body !== undefined && { body }),
  });
}

/** Looks at, or changes, what is kept of a key. */
async function sql<Row extends Json>(text: string, values: unknown[] = []): Promise<Row[]> {
  let rows: Row[] = [];
  await asSuperuser(stagedoor.database.name, async (client) => {
    ({ rows } = await client.query<Row>(text, values));
  });
  return rows;
}

async function countOf(
  table: 'spaces' | 'api_keys' | 'tenants' | 'members',
  where: string,
  value: string,
): Promise<number> {
  const [row] = await sql<{ count: string }>(`select count(*) from ${table} where ${where} = $1`, [value]);
  return Number(row?.count);
}

/** Runs `what` while no answer can be stored: each request ends, and its answer is lost afterwards. */
async function whileAnswersAreLost(what: () => Promise<void>): Promise<void> {
  await sql(`create function lose_answer() returns trigger language plpgsql as $$ begin raise 'crashed'; end $$`);
  await sql(`create trigger lose_answer before update on idempotency_keys for each row when (new.state = 'answered')
               execute function lose_answer()`);
  try {
    await what();
  } finally {
    await sql('drop function lose_answer() cascade');
  }
}

/** A receiver of webhooks that is not there. */
const receiver = 'http://127.0.0.1:9/';

const space = (name: string) => ({ name, stage: false, room: true });

it('the same request again gets the first answer again, and is not carried out again', async () => {
  const key = randomUUID();
  const first = await send('POST', '/v1/spaces', key, space('once'));
  const again = await send('POST', '/v1/spaces', key, space('once'));
  expect(first.status).toBe(201);
  expect([again.status, again.body]).toEqual([201, first.body]);
  expect(await countOf('spaces', 'name', 'once')).toBe(1);
});

it.each<[string, () => Promise<[path: string, body: Json, as: string]>]>([
  ['made', () => Promise.resolve(['/v1/api-keys', { name: 'repeated', scopes: ['spaces:read'] }, tenant.key])],
  [
    'rotated',
    async () => {
      const body = { name: 'repeated', scopes: ['spaces:read'] };
      const { id } = await stagedoor.expect(201, stagedoor.post('/v1/api-keys', tenant.key, body));
      return [`/v1/api-keys/${id}/rotate`, { graceSeconds: 60 }, tenant.key];
    },
  ],
  [
    'made by the operator',
    () =>
      Promise.resolve([
        `/v1/tenants/${tenant.id}/api-keys`,
        { name: 'repeated', scopes: ['spaces:read'] },
        Stagedoor.operatorToken,
      ]),
  ],
])('an API key that was %s is shown once: whoever repeats the request is told which one it is', async (_how, of) => {
  const key = randomUUID();
  const [path, body, as] = await of();
  const first = await send('POST', path, key, body, as);
  expect(first.body['key']).toMatch(/^sk_/);
  const again = await send('POST', path, key, body, as);
  expectProblem(again, 'conflict');
  expect(again.body['id']).toBe(first.body['id']);
  expect(again.text).not.toContain('sk_');
  const [kept] = await sql<{ answer: Buffer }>('select answer from idempotency_keys where key = $1', [key]);
  expect(kept?.answer.length).toBeLessThan(first.text.length); // the id alone, encrypted
});

describe('an answer to a moderator', () => {
  const acts = (spaceId: string): [string, string, Json][] => [
    ['POST', '/v1/bans', { userId: 'troll', spaceId }],
    ['POST', `/v1/spaces/${spaceId}/users/troll/disconnect`, {}],
    ['POST', `/v1/spaces/${spaceId}/events`, { name: 'applause' }],
    ['POST', `/v1/spaces/${spaceId}/freeze`, {}],
    ['POST', `/v1/spaces/${spaceId}/unfreeze`, {}],
  ];
  const takenFrom: [string, (spaceId: string, userId: string) => Promise<Answer>, 'banned' | 'forbidden'][] = [
    ['banned', (spaceId, userId) => stagedoor.post('/v1/bans', tenant.key, { userId, spaceId }), 'banned'],
    [
      'made a viewer',
      (spaceId, userId) =>
        stagedoor.request('PUT', `/v1/spaces/${spaceId}/members/${userId}`, {
          as: tenant.key,
          body: { role: 'viewer' },
        }),
      'forbidden',
    ],
  ];

  it.each(takenFrom)('is not repeated to one who was %s', async (_what, take, code) => {
    const { id } = await stagedoor.createSpace(tenant);
    const userId = randomUUID();
    const as = await tenant.issuer.token(userId, { role: 'moderator' });
    const firsts: Answer[] = [];
    for (const [method, path, body] of acts(id)) firsts.push(await send(method, path, path, body, as));
    expect(firsts.map(({ status }) => status < 300)).toEqual(firsts.map(() => true));
    const again = await send('POST', '/v1/bans', '/v1/bans', { userId: 'troll', spaceId: id }, as);
    expect([again.status, again.body]).toEqual([firsts[0]?.status, firsts[0]?.body]);
    expect((await take(id, userId)).status).toBeLessThan(300);
    for (const [method, path, body] of acts(id)) expectProblem(await send(method, path, path, body, as), code);
  });

  it('is not repeated to one who acted in the whole tenant and is out of a space of it', async () => {
    const { id } = await stagedoor.createSpace(tenant);
    const [userId, key] = [randomUUID(), randomUUID()];
    const as = await tenant.issuer.token(userId, { role: 'moderator' });
    expect((await send('POST', '/v1/bans', key, { userId: 'troll' }, as)).status).toBe(201);
    await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId, spaceId: id }));
    expectProblem(await send('POST', '/v1/bans', key, { userId: 'troll' }, as), 'banned');
  });
});

it('a key that was revoked gets no answer of its own again, however soon', async () => {
  const weak = await stagedoor.expect(201, stagedoor.post('/v1/api-keys', tenant.key, { name: 'w', scopes: ['*'] }));
  const key = randomUUID();
  const body = { name: 'from-weak', scopes: ['*'] };
  expect((await send('POST', '/v1/api-keys', key, body, weak['key'])).status).toBe(201);
  await stagedoor.request('DELETE', `/v1/api-keys/${weak['id']}`, {
    as: tenant.key,
  });
  expectProblem(await send('POST', '/v1/api-keys', key, body, weak['key']), 'unauthenticated');
});

it('a key with another body is refused', async () => {
  const key = randomUUID();
  await send('POST', '/v1/spaces', key, space('mine'));
  expectProblem(await send('POST', '/v1/spaces', key, space('other')), 'idempotency_mismatch');
});

it.each<[string, () => Promise<[Answer, Answer]>]>([
  [
    'by another tenant',
    async () => {
      const [key, other] = [randomUUID(), await stagedoor.createTenant()];
      return [
        await send('POST', '/v1/spaces', key, space('crossed')),
        await send('POST', '/v1/spaces', key, space('crossed'), other.key),
      ];
    },
  ],
  [
    'by another key of the tenant',
    async () => {
      const key = randomUUID();
      const other = await stagedoor.expect(
        201,
        stagedoor.post('/v1/api-keys', tenant.key, {
          name: 'o',
          scopes: ['*'],
        }),
      );
      return [
        await send('POST', '/v1/spaces', key, space('crossed')),
        await send('POST', '/v1/spaces', key, space('crossed'), other['key']),
      ];
    },
  ],
  [
    'on another thing',
    async () => {
      const key = randomUUID();
      const [one, two] = [await stagedoor.createSpace(tenant), await stagedoor.createSpace(tenant)];
      return [
        await send('PATCH', `/v1/spaces/${one['id']}`, key, { name: 'x' }),
        await send('PATCH', `/v1/spaces/${two['id']}`, key, { name: 'x' }),
      ];
    },
  ],
])('a key used %s is another key', async (_who, both) => {
  const [first, second] = await both();
  expect([first.status, second.status]).toEqual([expect.any(Number), first.status]);
  expect(second.status).toBeLessThan(300);
  expect(second.body['id']).not.toBe(first.body['id']);
});

it('of a hundred at once with one key exactly one is carried out, and the others get its answer or are told to wait', async () => {
  const key = randomUUID();
  const answers = await Promise.all(
    Array.from({ length: 100 }, () =>
      stagedoor.once.request('POST', '/v1/api-keys', {
        as: tenant.key,
        headers: { 'idempotency-key': key },
        body: { name: 'burst', scopes: ['*'] },
      }),
    ),
  );
  expect(await countOf('api_keys', 'name', 'burst')).toBe(1);
  const made = answers.filter(({ status }) => status === 201);
  // A busy service may make the key and then have no time to keep the answer. It says 503 then.
  const answerWasLost = made.length === 0 && answers.some(({ status }) => status === 503);
  expect(made.map(({ body }) => typeof body['key'])).toEqual(answerWasLost ? [] : ['string']);
  for (const answer of answers.filter(({ status }) => status !== 201)) {
    expectProblem(answer, answer.status === 503 ? 'unavailable' : 'conflict');
    // Who came when the key was made is told which one it is; who came sooner is told to wait.
    const isMade = answer.body['id'] !== undefined;
    expect(answer.headers.get('retry-after') === null).toBe(isMade);
  }
});

describe('a join that is repeated', () => {
  it('is made anew: other tokens, other grants, nothing of them kept', async () => {
    const room = await stagedoor.createSpace(tenant);
    const [key, path] = [randomUUID(), `/v1/spaces/${room['id']}/join`];
    const first = await send('POST', path, key, { userId: 'u' });
    const again = await send('POST', path, key, { userId: 'u' });
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body['stage'].token).not.toBe(first.body['stage'].token);
    expect(again.body['stage'].grantId).not.toBe(first.body['stage'].grantId);
    expectProblem(await send('POST', path, key, { userId: 'v' }), 'idempotency_mismatch');
  });

  it('is decided anew', async () => {
    const room = await stagedoor.createSpace(tenant);
    const [key, path] = [randomUUID(), `/v1/spaces/${room['id']}/join`];
    expect((await send('POST', path, key, { userId: 'u' })).status).toBe(201);
    await stagedoor.request('PATCH', `/v1/spaces/${room['id']}`, {
      as: tenant.key,
      body: { status: 'closed' },
    });
    expectProblem(await send('POST', path, key, { userId: 'u' }), 'space_closed');
  });

  it('lets no token leave late, when keeping the key takes longer than a token has', async () => {
    const room = await stagedoor.createSpace(tenant);
    const [key, path] = [randomUUID(), `/v1/spaces/${room['id']}/join`];
    const fault = stagedoor.ivs.fault({
      operation: 'CreateChatToken',
      effect: { delayMs: 60_000 },
      count: 1,
    });
    const answering = stagedoor.once.request('POST', path, {
      as: tenant.key,
      headers: { 'idempotency-key': key },
      body: { userId: 'u' },
    });
    await asSuperuser(stagedoor.database.name, async (client) => {
      const found = async (text: string, values: string[] = []) => (await client.query(text, values)).rowCount === 1;
      const row = 'select from idempotency_keys where key = $1';
      await until(() => found(row, [key]), 'the key is taken');
      await client.query('begin');
      await client.query(`${row} for update`, [key]);
      stagedoor.ivs.clearFaults(fault.id); // IVS makes the token now
      const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      await until(() => found(waiting), 'the tokens are made, and the key is about to be kept');
      await client.query('select pg_sleep(1.1)');
      await client.query('commit');
    });
    const late = await answering;
    expectProblem(late, 'unavailable');
    expect(late.body['detail']).toMatch(/not made in time/);
    expect(late.headers.get('access-control-allow-origin')).toBe('*');
    expect((await send('POST', path, key, { userId: 'u' })).status).toBe(201);
  });
});

describe('after a failure', () => {
  it('that changed nothing, the same key can be tried again', async () => {
    const key = randomUUID();
    const fault = stagedoor.ivs.fault({
      operation: 'CreateRoom',
      effect: { error: 'InternalServerException' },
    });
    expectProblem(await send('POST', '/v1/spaces', key, space('retried')), 'ivs_unavailable');
    stagedoor.ivs.clearFaults(fault.id);
    expect((await send('POST', '/v1/spaces', key, space('retried'))).status).toBe(201);
  });

  it('of IVS in the middle of a deletion, the same key can be tried again, as the answer says', async () => {
    const room = await stagedoor.createSpace(tenant);
    const [key, path] = [randomUUID(), `/v1/spaces/${room['id']}`];
    const fault = stagedoor.ivs.fault({
      operation: 'DeleteRoom',
      effect: { error: 'InternalServerException' },
    });
    expectProblem(await send('DELETE', path, key), 'ivs_unavailable');
    stagedoor.ivs.clearFaults(fault.id);
    expect((await send('DELETE', path, key)).status).toBe(204);
    expect((await send('DELETE', path, key)).status).toBe(204);
  });

  it('of the service after the change was made, it is not made again', async () => {
    const key = randomUUID();
    const body = { name: 'crashed', scopes: ['*'] };
    await send('POST', '/v1/api-keys', key, body);
    await sql(`update idempotency_keys set state = 'applied', status = null, answer = null where key = $1`, [key]);
    expectProblem(await send('POST', '/v1/api-keys', key, body), 'conflict');
    await sql(`update idempotency_keys set taken_until = now() - interval '1 second' where key = $1`, [key]);
    const lost = await send('POST', '/v1/api-keys', key, body);
    expectProblem(lost, 'conflict');
    expect(lost.body['detail']).toMatch(/carried out/);
    expect(await countOf('api_keys', 'name', 'crashed')).toBe(1);
  });

  it.each<[string, () => [path: string, as: string, table: 'tenants' | 'api_keys', body: Json]]>([
    ['a tenant', () => ['/v1/tenants', Stagedoor.operatorToken, 'tenants', { slug: 'crashed-tenant' }]],
    [
      'the first key of a tenant',
      () => [`/v1/tenants/${tenant.id}/api-keys`, Stagedoor.operatorToken, 'api_keys', { scopes: ['*'] }],
    ],
    ['a key', () => ['/v1/api-keys', tenant.key, 'api_keys', { scopes: ['*'] }]],
  ])(
    'of storing the answer, %s is made, the caller gets the answer, and it is not made again',
    async (what, request) => {
      const [path, as, table, more] = request();
      const [key, body] = [randomUUID(), { name: `crashed with ${what}`, ...more }];
      await whileAnswersAreLost(async () => {
        expect((await send('POST', path, key, body, as)).status).toBe(201);
      });
      await sql(`update idempotency_keys set taken_until = now() - interval '1 second' where key = $1`, [key]);
      const again = await send('POST', path, key, body, as);
      if (table === 'tenants') expect([again.status, again.body['name']]).toEqual([201, body.name]);
      else expectProblem(again, 'conflict'); // the secret is shown once
      expect(again.text).not.toMatch(/sk_/);
      expect(await countOf(table, 'name', body.name)).toBe(1);
    },
  );

  it.each<[string, () => Promise<[path: string, body: Json]>]>([
    ['a webhook endpoint', () => Promise.resolve(['/v1/webhooks', { url: receiver }])],
    [
      'the new secret of one',
      async () => {
        const made = await stagedoor.expect(201, stagedoor.post('/v1/webhooks', tenant.key, { url: receiver }));
        return [`/v1/webhooks/${made['id']}/rotate`, { graceSeconds: 60 }];
      },
    ],
  ])('of storing the answer, %s is made once, and its secret is shown once', async (_, request) => {
    const [path, body] = await request();
    const key = randomUUID();
    const state = async () => await sql('select id, encode(secret, $1) from webhooks order by id', ['hex']);
    await whileAnswersAreLost(async () => {
      expect((await send('POST', path, key, body)).text).toMatch(/"whsec_/);
    });
    await sql(`update idempotency_keys set taken_until = now() - interval '1 second' where key = $1`, [key]);
    const before = await state();
    const again = await send('POST', path, key, body);
    expectProblem(again, 'conflict');
    expect(again.text).not.toMatch(/whsec_/);
    expect(await state()).toEqual(before);
  });

  it.each([
    ['by whoever comes after half a minute', '-1 second'],
    ['also if the clock of the database was set back since', '1 hour'],
  ])('of the service before the change was made, it is made, %s', async (_, takenFor) => {
    const key = randomUUID();
    const body = { name: 'unmade', scopes: ['*'] };
    await send('POST', '/v1/api-keys', key, body);
    await sql(`delete from api_keys where name = 'unmade'`);
    await sql(`update idempotency_keys set state = 'running', status = null, answer = null where key = $1`, [key]);
    const early = await send('POST', '/v1/api-keys', key, body);
    expectProblem(early, 'conflict');
    await sql(`update idempotency_keys set taken_until = now() + $2::interval where key = $1`, [key, takenFor]);
    expect((await send('POST', '/v1/api-keys', key, body)).status).toBe(201);
    expect(await countOf('api_keys', 'name', 'unmade')).toBe(1);
  });
});

describe('the answer of a request that ended after its change was committed', () => {
  /** What the requests are about. A request that makes something puts its id here. */
  interface Where {
    space: string;
    ban: string;
    grant: string;
    issuer: string;
    consoleIssuer: string;
    apiKey: string;
    signingKeys: string[];
    webhook: string;
    webhookDelivery: string;
    note: string;
    suspended: string;
  }
  const secret = randomUUID() + randomUUID();
  const issuer = {
    issuer: 'https://lost.example',
    audience: 'a',
    secret,
    claims: { userId: 'sub' },
  };
  const { operatorToken } = Stagedoor;
  const consoleIssuer = (where: Where) => `/v1/console-issuers/${where.consoleIssuer}`;

  /** A request for every operation that changes something, in an order in which they can be made. */
  const writes: [operation: string, (where: Where) => [path: string, body?: Json, as?: string]][] = [
    ['PUT /v1/roles/{name}', () => ['/v1/roles/lost', { stage: { capabilities: ['SUBSCRIBE'] } }]],
    ['DELETE /v1/roles/{name}', () => ['/v1/roles/lost']],
    ['PATCH /v1/tenants/{tenantId}', () => [`/v1/tenants/${tenant.id}`, { name: 'Lost' }, operatorToken]],
    ['POST /v1/spaces', () => ['/v1/spaces', space('lost')]],
    ['PATCH /v1/spaces/{spaceId}', ({ space }) => [`/v1/spaces/${space}`, { name: 'Lost' }]],
    ['PUT /v1/spaces/{spaceId}/members/{userId}', ({ space }) => [`/v1/spaces/${space}/members/ann`, { role: 'host' }]],
    ['DELETE /v1/spaces/{spaceId}/members/{userId}', ({ space }) => [`/v1/spaces/${space}/members/ann`]],
    ['POST /v1/bans', ({ space }) => ['/v1/bans', { userId: 'lost', spaceId: space }]],
    ['DELETE /v1/bans/{banId}', ({ ban }) => [`/v1/bans/${ban}`]],
    [
      'POST /v1/spaces/{spaceId}/participants/{participantId}/disconnect',
      ({ space }) => [`/v1/spaces/${space}/participants/somebody/disconnect`],
    ],
    [
      'POST /v1/spaces/{spaceId}/users/{userId}/disconnect',
      ({ space }) => [`/v1/spaces/${space}/users/ann/disconnect`],
    ],
    [
      'POST /v1/spaces/{spaceId}/messages/{messageId}/delete',
      ({ space }) => [`/v1/spaces/${space}/messages/123456789012/delete`],
    ],
    ['POST /v1/spaces/{spaceId}/events', ({ space }) => [`/v1/spaces/${space}/events`, { name: 'hello' }]],
    ['POST /v1/grants/{grantId}/revoke', ({ grant }) => [`/v1/grants/${grant}/revoke`]],
    ['POST /v1/users/{userId}/revoke', () => ['/v1/users/ann/revoke', {}]],
    ['POST /v1/users/{userId}/notes', () => ['/v1/users/ann/notes', { text: 'calm' }]],
    ['DELETE /v1/users/{userId}/notes/{noteId}', ({ note }) => [`/v1/users/ann/notes/${note}`]],
    ['DELETE /v1/users/{userId}/data', () => ['/v1/users/zoe/data']],
    ['DELETE /v1/tenants/{tenantId}', ({ suspended }) => [`/v1/tenants/${suspended}`, undefined, operatorToken]],
    ['POST /v1/spaces/{spaceId}/freeze', ({ space }) => [`/v1/spaces/${space}/freeze`]],
    ['POST /v1/spaces/{spaceId}/unfreeze', ({ space }) => [`/v1/spaces/${space}/unfreeze`]],
    ['POST /v1/issuers', () => ['/v1/issuers', issuer]],
    ['PATCH /v1/issuers/{issuerId}', (where) => [`/v1/issuers/${where.issuer}`, { claims: { userId: 'id' } }]],
    ['DELETE /v1/issuers/{issuerId}', (where) => [`/v1/issuers/${where.issuer}`]],
    [
      'POST /v1/console-issuers',
      () => ['/v1/console-issuers', { name: 'Lost', issuer: 'https://lost.example/', clientId: 'console' }],
    ],
    ['PATCH /v1/console-issuers/{consoleIssuerId}', (where) => [consoleIssuer(where), { name: 'Found' }]],
    [
      'PUT /v1/console-users/{userId}',
      (where) => ['/v1/console-users/ann', { issuerId: where.consoleIssuer, role: 'viewer' }],
    ],
    ['DELETE /v1/console-users/{userId}', () => ['/v1/console-users/ann']],
    ['DELETE /v1/console-issuers/{consoleIssuerId}', (where) => [consoleIssuer(where)]],
    ['POST /v1/signing-keys', () => ['/v1/signing-keys']],
    ['POST /v1/signing-keys/rotate', () => ['/v1/signing-keys/rotate']],
    ['DELETE /v1/signing-keys/{signingKeyId}', ({ signingKeys }) => [`/v1/signing-keys/${signingKeys[0]}`]],
    ['POST /v1/signing-keys/rotate', () => ['/v1/signing-keys/rotate']],
    ['POST /v1/signing-keys/{signingKeyId}/kill', ({ signingKeys }) => [`/v1/signing-keys/${signingKeys[1]}/kill`]],
    [
      'DELETE /v1/tenants/{tenantId}/signing-keys/{signingKeyId}',
      ({ signingKeys }) => [`/v1/tenants/${tenant.id}/signing-keys/${signingKeys[2]}`, undefined, operatorToken],
    ],
    ['DELETE /v1/api-keys/{keyId}', ({ apiKey }) => [`/v1/api-keys/${apiKey}`]],
    ['PATCH /v1/settings', () => ['/v1/settings', { reasons: ['Lost'] }]],
    ['PATCH /v1/webhooks/{webhookId}', ({ webhook }) => [`/v1/webhooks/${webhook}`, { description: 'Lost' }]],
    ['POST /v1/webhooks/{webhookId}/test', ({ webhook }) => [`/v1/webhooks/${webhook}/test`]],
    [
      'POST /v1/webhooks/{webhookId}/deliveries/{deliveryId}/retry',
      (where) => [`/v1/webhooks/${where.webhook}/deliveries/${where.webhookDelivery}/retry`],
    ],
    [
      'POST /v1/webhooks/{webhookId}/replay',
      ({ webhook }) => [`/v1/webhooks/${webhook}/replay`, { since: '2020-01-01T00:00:00Z' }],
    ],
    ['DELETE /v1/webhooks/{webhookId}', ({ webhook }) => [`/v1/webhooks/${webhook}`]],
    ['DELETE /v1/spaces/{spaceId}', ({ space }) => [`/v1/spaces/${space}`]],
  ];

  /** Other tests are about these: their answers hold tokens or new secrets, or stand above. */
  const elsewhere = [
    'POST /v1/tenants',
    'POST /v1/tenants/{tenantId}/api-keys',
    'POST /v1/api-keys',
    'POST /v1/api-keys/{keyId}/rotate',
    'POST /v1/webhooks',
    'POST /v1/webhooks/{webhookId}/rotate',
    'POST /v1/spaces/{spaceId}/join',
    'POST /v1/spaces/{spaceId}/stage-tokens',
    'POST /v1/spaces/{spaceId}/chat-tokens',
    'POST /v1/spaces/{spaceId}/console-chat-tokens',
    'POST /v1/spaces/{spaceId}/users/{userId}/role',
    'POST /v1/spaces/{spaceId}/join/explain', // changes nothing
  ];

  it('is tried of every operation that changes something', async () => {
    const { paths } = await stagedoor.expect(200, stagedoor.get('/openapi.json'));
    const all = Object.entries(paths as Record<string, Json>).flatMap(([path, item]) =>
      ['put', 'post', 'patch', 'delete']
        .filter((method) => path.startsWith('/v1/') && method in item)
        .map((method) => `${method.toUpperCase()} ${path}`),
    );
    const known = new Set([...elsewhere, ...writes.map(([operation]) => operation)]);
    expect(all.length).toBeGreaterThan(30);
    expect(all.filter((operation) => !known.has(operation))).toEqual([]);
  });

  it('is given to a repeated request, which changes nothing', async () => {
    const made = await stagedoor.createSpace(tenant);
    const join = { userId: 'ann', role: 'viewer', chat: false };
    const pass = await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${made['id']}/join`, tenant.key, join));
    const apiKey = await stagedoor.post('/v1/api-keys', tenant.key, {
      name: 'lost',
      scopes: ['audit:read'],
    });
    const webhook = await stagedoor.post('/v1/webhooks', tenant.key, {
      url: receiver,
      types: ['webhook.disabled'],
    });
    const where: Where = {
      space: made['id'],
      ban: (await stagedoor.post('/v1/bans', tenant.key, { userId: 'bob' })).body['ban'].id,
      grant: pass['stage'].grantId,
      issuer: '',
      consoleIssuer: '',
      apiKey: apiKey.body['id'],
      signingKeys: [],
      webhook: webhook.body['id'],
      webhookDelivery: '',
      note: '',
      suspended: (await stagedoor.createTenant()).id,
    };
    // What the end of a tenant writes later is no part of the request.
    await stagedoor.app.get(TenantEndWorker).beforeApplicationShutdown();
    const suspend = { as: operatorToken, body: { status: 'suspended' } };
    await stagedoor.expect(200, stagedoor.request('PATCH', `/v1/tenants/${where.suspended}`, suspend));
    await whileAnswersAreLost(async () => {
      for (const [operation, request] of writes) {
        const [path, body, as] = request(where);
        const [method = ''] = operation.split(' ');
        const key = randomUUID();
        const first = await send(method, path, key, body, as);
        if (first.status >= 300) throw new Error(`${method} ${path}: ${first.text}`);
        if (operation === 'POST /v1/issuers') where.issuer = first.body['id'];
        if (operation === 'POST /v1/console-issuers') where.consoleIssuer = first.body['id'];
        if (operation.startsWith('POST /v1/signing-keys')) where.signingKeys.push(first.body['id']);
        if (operation.endsWith('/notes')) where.note = first.body['id'];
        if (operation.endsWith('/test')) where.webhookDelivery = first.body['id'];
        await sql(`update idempotency_keys set taken_until = now() - interval '1 second' where key = $1`, [key]);
        const entries = () =>
          sql(
            'select (select count(*) from audit) + (select count(*) from unsealed_groups as g, jsonb_array_elements(g.vends)) as count',
          );
        const before = await entries();
        const again = await send(method, path, key, body, as);
        expect([operation, again.status < 300, idsIn(again)]).toEqual([operation, true, idsIn(first)]);
        expect(await entries()).toEqual(before);
      }
    });
  });

  /** Ids of what an answer is about. */
  function idsIn({ body }: Answer): unknown[] {
    return body === undefined ? [] : [body['id'], body['name'], body['ban']?.id, body['action']?.id, body['kind']];
  }
});

it('a replica that stood still, and whose key a repeated request has taken, changes nothing', async () => {
  const key = randomUUID();
  const body = { userId: 'stood-still' };
  const holder = new pg.Client({
    connectionString: stagedoor.database.superuserUrl,
  });
  await holder.connect();
  try {
    await holder.query('begin; lock table bans in access exclusive mode');
    const first = send('POST', '/v1/bans', key, body);
    const isTaken = async () => (await sql('select from idempotency_keys where key = $1', [key])).length === 1;
    await until(isTaken, 'the first request has taken the key');
    await sql(`update idempotency_keys set taken_until = now() - interval '1 second' where key = $1`, [key]);
    const [owner] = await sql('select attempt_id from idempotency_keys where key = $1', [key]);
    const second = send('POST', '/v1/bans', key, body);
    await until(async () => {
      const [now] = await sql('select attempt_id from idempotency_keys where key = $1', [key]);
      return now?.['attempt_id'] !== owner?.['attempt_id'];
    }, 'the second request has taken the key');
    await holder.query('rollback');
    const answers = await Promise.all([first, second]);
    expect(answers.map(({ status }) => status)).toEqual([409, 201]);
    const bans = await sql('select id from bans where user_id = $1', [body.userId]);
    expect(bans).toEqual([{ id: answers[1].body['ban'].id }]);
    const again = await send('POST', '/v1/bans', key, body);
    expect([again.status, again.body['ban'].id]).toEqual([201, bans[0]?.['id']]);
  } finally {
    await holder.end();
  }
});

it('a refused request can be corrected under the same key', async () => {
  const key = randomUUID();
  expectProblem(await send('POST', '/v1/spaces', key, { name: '' }), 'invalid_request');
  expect((await send('POST', '/v1/spaces', key, space('corrected'))).status).toBe(201);
});

it('every write takes a key: PUT, PATCH and DELETE too', async () => {
  const room = await stagedoor.createSpace(tenant);
  const path = `/v1/spaces/${room['id']}`;
  for (const [method, where, body] of [
    ['PUT', `${path}/members/ann`, { role: 'host' }],
    ['PATCH', path, { name: 'Renamed' }],
    ['DELETE', `${path}/members/ann`, undefined],
    ['DELETE', path, undefined],
  ] as const) {
    const key = randomUUID();
    const first = await send(method, where, key, body);
    const again = await send(method, where, key, body);
    expect([method, first.status < 300, again.status, again.text]).toEqual([method, true, first.status, first.text]);
  }
});

it.each(['', ' ', 'a b', 'x'.repeat(256), 'ü'])('%p is no key', async (key) => {
  const answer = await stagedoor
    .request('POST', '/v1/spaces', {
      as: tenant.key,
      body: space('nokey'),
      headers: { 'idempotency-key': key },
    })
    .catch(() => undefined);
  if (answer) expectProblem(answer, 'invalid_request');
});

it('keys are forgotten after 24 hours, and not before', async () => {
  const [old, young] = [randomUUID(), randomUUID()];
  await send('POST', '/v1/spaces', old, space('old'));
  await send('POST', '/v1/spaces', young, space('young'));
  await sql(`update idempotency_keys set created_at = now() - interval '24 hours 1 second' where key = $1`, [old]);
  await sql(`update idempotency_keys set created_at = now() - interval '23 hours 59 minutes' where key = $1`, [young]);
  await stagedoor.app.get(IdempotencyKeys).run();
  expect(await sql('select key from idempotency_keys where key = any ($1)', [[old, young]])).toEqual([{ key: young }]);
});

it('the hash of a body cannot be checked without a key of the service, and one of an older build counts', async () => {
  const body = { name: 'Hashed' };
  const headers = { 'idempotency-key': 'hashed' };
  const send = () => stagedoor.request('POST', '/v1/spaces', { as: tenant.key, body, headers });
  const first = await stagedoor.expect(201, send());
  const plain = hash('sha256', JSON.stringify(body), 'buffer');
  const stored = () => stagedoor.database.query("select request_hash from idempotency_keys where key = 'hashed'");
  expect(await stored()).toEqual([{ request_hash: expect.any(Buffer) }]);
  expect(await stored()).not.toEqual([{ request_hash: plain }]);
  await stagedoor.database.query("update idempotency_keys set request_hash = $1 where key = 'hashed'", [plain]);
  expect(await stagedoor.expect(201, send())).toEqual(first);
});
