/** The log of events: what is in it, and that a reader skips nothing and sees nothing twice. */
import { eventSchemas } from '../../../src/events/events.schemas.ts';
import { EventRetention } from '../../../src/events/event-retention.ts';
import { EventStreams } from '../../../src/events/event-streams.ts';
import { IssuerKeys } from '../../../src/issuers/issuer-keys.ts';
import pg from 'pg';
import { freeze } from '../../support/actions.ts';
import { EventReader } from '../../support/event-reader.ts';
import { expectProblem } from '../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
/** Has no time limits, so that a busy machine does not fail the tests. */
let writer: pg.Client;

beforeAll(async () => {
  stagedoor = await Stagedoor.start({ EVENT_STREAMS_PER_TENANT: '5', EVENT_STREAMS_PER_REPLICA: '8' });
  writer = new pg.Client({ connectionString: stagedoor.database.superuserUrl });
  await writer.connect();
});
beforeEach(async () => {
  tenant = await stagedoor.createTenant();
});
afterAll(async () => {
  await writer.end();
  await stagedoor.stop();
});

async function page(query = '', as = tenant.key): Promise<Json> {
  return await stagedoor.expect(200, stagedoor.get(`/v1/events${query}`, as));
}

/** All events that fit, in pages of two. */
async function all(query = '?', as = tenant.key): Promise<Json[]> {
  const found: Json[] = [];
  for (let next = '', more = true; more;) {
    const { data, nextCursor, hasMore } = await page(`${query}&limit=2${next}`, as);
    found.push(...(data as Json[]));
    next = `&cursor=${nextCursor}`;
    more = hasMore as boolean;
  }
  return found;
}

const typesOf = (events: Json[]) => events.map(({ type }) => type as string);

/** Waits until the log has an event of this type. Returns the newest one. */
async function eventually(type: string): Promise<Json> {
  let newest: Json | undefined;
  await until(async () => {
    newest = (await all(`?type=${type}`)).at(-1);
    return newest !== undefined;
  }, `the event ${type} is in the log`);
  return newest as Json;
}

/** Numbered events, as `write_events` takes them. */
function numbered(numbers: number[]): string {
  const data = (n: number) => ({ name: String(n), by: { kind: 'system', id: 'test' } });
  return JSON.stringify(numbers.map((n) => ({ type: 'space.opened', data: data(n) })));
}

/** Writes numbered events, and gives them their places, as the service does after a commit. */
async function write(numbers: number[], of = tenant): Promise<void> {
  await writer.query('select write_events($1, $2)', [of.id, numbered(numbers)]);
  await writer.query('select * from number_events(500)');
}

/** Writes numbered events in a transaction that stays open. Returns what ends it. */
async function begin(numbers: number[]): Promise<(how: 'commit' | 'rollback') => Promise<void>> {
  const client = new pg.Client({ connectionString: stagedoor.database.superuserUrl });
  await client.connect();
  await client.query('begin');
  await client.query('select write_events($1, $2)', [tenant.id, numbered(numbers)]);
  return async (how) => {
    await client.query(how);
    await client.end();
  };
}

/** An event has nothing beside what the document says, and no token or key. */
function fitsItsSchema(event: Json): void {
  const schema = eventSchemas.find(({ shape }) => shape.type.value === event['type']);
  expect(schema?.parse(event)).toEqual(event);
  expect(JSON.stringify(event)).not.toMatch(/eyJ|sk_[a-z]/);
}

const numbersOf = (events: Json[]) =>
  events.filter(({ data }) => data['by']?.id === 'test').map(({ data }) => Number(data['name']));

test('what a tenant does is told in order, and each event fits its schema in the document', async () => {
  const as = tenant.key;
  const space = await stagedoor.createSpace(tenant);
  const at = `/v1/spaces/${space['id']}`;
  await stagedoor.expect(200, stagedoor.request('PATCH', at, { as, body: { name: 'New', status: 'closed' } }));
  await stagedoor.expect(200, stagedoor.request('PATCH', at, { as, body: { status: 'open' } }));
  await stagedoor.expect(200, stagedoor.request('PUT', `${at}/members/ann`, { as, body: { role: 'host' } }));
  await stagedoor.expect(200, stagedoor.request('PUT', `${at}/members/ann`, { as, body: { role: 'host' } }));
  const key = await stagedoor.expect(201, stagedoor.post('/v1/api-keys', as, { name: 'one', scopes: ['events:read'] }));
  await stagedoor.expect(201, stagedoor.post(`/v1/api-keys/${key['id']}/rotate`, as, { graceSeconds: 60 }));
  await stagedoor.expect(204, stagedoor.request('DELETE', `/v1/api-keys/${key['id']}`, { as }));
  const join = await stagedoor.expect(201, stagedoor.post(`${at}/join`, as, { userId: 'troll', role: 'viewer' }));
  stagedoor.ivs.join(join['stage'].token);
  const body = { userId: 'troll', spaceId: space['id'], reason: 'spam' };
  const { ban } = await stagedoor.expect(201, stagedoor.post('/v1/bans', as, body));
  await eventually('action.silenced');
  await eventually('grant.revoked');
  await stagedoor.expect(200, stagedoor.request('DELETE', `/v1/bans/${ban.id}`, { as, body: { reason: 'sorry' } }));
  await freeze(stagedoor, as, space['id'] as string);
  await stagedoor.expect(200, stagedoor.post(`${at}/unfreeze`, as, {}));
  const expiresAt = new Date(Date.now() + 2_000).toISOString();
  await stagedoor.expect(201, stagedoor.post('/v1/bans', as, { userId: 'bob', expiresAt }));
  const expired = await eventually('ban.expired');
  expect(expired).toMatchObject({ userId: 'bob', tenantId: tenant.id, data: { expiresAt } });
  await eventually('action.delivered');
  await stagedoor.expect(204, stagedoor.request('DELETE', at, { as }));
  await eventually('space.deleted');

  const events = await all();
  const own = typesOf(events).filter((type) => !/^(action|grant)\./.test(type));
  expect(own).toEqual([
    'api_key.created',
    'issuer.created',
    'space.created',
    'space.updated',
    'space.closed',
    'space.opened',
    'member.role_changed',
    'api_key.created',
    'api_key.rotated',
    'api_key.revoked',
    'ban.created',
    'ban.lifted',
    'space.frozen',
    'space.unfrozen',
    'ban.created',
    'ban.expired',
    'space.deleted',
  ]);
  expect(events.map(({ id }) => id)).toEqual(events.map(({ id }) => id as string).toSorted());
  for (const event of events) fitsItsSchema(event);
  expect(events.find(({ type }) => type === 'ban.created')).toMatchObject({
    spaceId: space['id'],
    userId: 'troll',
    data: { banId: ban.id, reason: 'spam', by: { kind: 'apiKey' } },
  });
});

test('what becomes of issuers and signing keys is told, and that the keys of an issuer fail is told once', async () => {
  const as = tenant.key;
  const issuer = { issuer: 'https://idp.example.com', audience: 'app', secret: 'a secret of thirty-two characters' };
  const { id } = await stagedoor.expect(201, stagedoor.post('/v1/issuers', as, issuer));
  const at = `/v1/issuers/${id}`;
  await stagedoor.expect(200, stagedoor.request('PATCH', at, { as, body: { audience: 'other' } }));
  const jwksUri = 'https://keys.example.com/';
  await writer.query('update issuers set jwks_uri = $1 where id = $2', [jwksUri, id]);
  for (let time = 0; time < 2; time++) {
    await stagedoor.app
      .get(IssuerKeys)
      .note(tenant.id, jwksUri, { fault: 'unreachable', usable: undefined, fetchedAt: undefined });
  }
  await stagedoor.expect(204, stagedoor.request('DELETE', at, { as }));
  const first = await stagedoor.expect(201, stagedoor.post('/v1/signing-keys', as));
  const second = await stagedoor.expect(201, stagedoor.post('/v1/signing-keys/rotate', as));
  await stagedoor.expect(204, stagedoor.request('DELETE', `/v1/signing-keys/${first['id']}`, { as }));
  await eventually('signing_key.deleted');
  const events = (await all()).filter(
    ({ type, data }) => type.startsWith('signing_key.') || data['issuerId'] === id || data['issuer'] === issuer.issuer,
  );
  expect(typesOf(events)).toEqual([
    'issuer.created',
    'issuer.updated',
    'issuer.failing',
    'issuer.deleted',
    'signing_key.created',
    'signing_key.created',
    'signing_key.retired',
    'signing_key.deleted',
  ]);
  for (const event of events) fitsItsSchema(event);
  expect(events[2]).toMatchObject({ data: { reason: 'unreachable' } });
  expect(events[6]).toMatchObject({ data: { keyId: first['id'], replacedBy: second['id'] } });
  expect(JSON.stringify(events)).not.toContain(issuer.secret);
});

test('a list takes each filter and each two of them, goes on after an event, and begins at a time', async () => {
  const [one, two] = [await stagedoor.createSpace(tenant), await stagedoor.createSpace(tenant)];
  for (const space of [one, two]) {
    for (const userId of ['ann', 'bob']) {
      await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId, spaceId: space['id'] }));
    }
  }
  await until(async () => (await all('?type=ban.created')).length === 4, 'all bans are told');
  await until(async () => (await all('?type=action.delivered')).length === 4, 'all actions are told');
  const events = await all();
  const picked = (fits: (event: Json) => boolean) => events.filter(fits).map(({ id }) => id as string);
  const ids = async (query: string) => (await all(query)).map(({ id }) => id as string);
  const { id: after, at } = events.find(({ type }) => type === 'ban.created') as Json;
  expect(await ids('?type=ban.created')).toEqual(picked(({ type }) => type === 'ban.created'));
  expect(await ids(`?spaceId=${one['id']}`)).toEqual(picked(({ spaceId }) => spaceId === one['id']));
  expect(await ids('?userId=ann')).toEqual(picked(({ userId }) => userId === 'ann'));
  expect(await ids(`?userId=ann&spaceId=${two['id']}`)).toEqual(
    picked((event) => event['userId'] === 'ann' && event['spaceId'] === two['id']),
  );
  expect(await ids('?type=ban.created,space.created&userId=ann')).toEqual(
    picked(({ type, userId }) => type === 'ban.created' && userId === 'ann'),
  );
  expect(await ids(`?after=${after}`)).toEqual(picked(({ id }) => id > after));
  expect(await ids(`?since=${at}`)).toEqual(picked((event) => event['at'] >= at));
  expect(await ids(`?since=${new Date(Date.now() + 3_600_000).toISOString()}`)).toEqual([]);
});

test('what names no place in the log is refused', async () => {
  await until(async () => (await all()).length === 2, 'the first events are told');
  const { nextCursor, hasMore, missed } = await page();
  expect({ hasMore, missed }).toEqual({ hasMore: false, missed: 0 });
  const other = await stagedoor.createTenant();
  await write([1, 2, 3, 4, 5], other);
  await until(async () => (await all('?', other.key)).length === 7, 'the events of the other tenant are told');
  const { nextCursor: beyond } = await page('', other.key);
  for (const query of ['after=evt_1', 'cursor=x', `after=${beyond}`, 'type=ban']) {
    expectProblem(await stagedoor.get(`/v1/events?${query}`, tenant.key), 'invalid_request');
  }
  expect((await page(`?cursor=${nextCursor}`))['nextCursor']).toBe(nextCursor);
});

test('a reader skips nothing and sees nothing twice, while transactions commit in any order', async () => {
  const seen: number[] = [];
  let cursor = '';
  const read = async () => {
    const { data, nextCursor } = await page(`?limit=3${cursor}`);
    cursor = `&cursor=${nextCursor}`;
    seen.push(...numbersOf(data as Json[]));
  };
  const early = [await begin([0, 1]), await begin([2])]; // they write first, and commit last
  for (let n = 3; n < 20; n++) {
    await write([n]);
    await read();
  }
  await until(async () => (await read(), seen.includes(19)), 'the reader has what is committed');
  expect(seen).not.toContain(0);
  for (const end of early) await end('commit');
  await until(async () => (await read(), seen.length >= 20), 'the reader has what was committed late');
  expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  expect(seen.indexOf(0)).toBeLessThan(seen.indexOf(1)); // one transaction keeps its order
});

test('what is rolled back is not told, and leaves no hole', async () => {
  await write([1]);
  const end = await begin([2]);
  await write([3]);
  await end('rollback');
  await until(async () => numbersOf(await all()).length === 2, 'both are told');
  const [found] = await stagedoor.database.query(
    'select count(*) = max(position) as whole from events where tenant_id = $1 and position is not null',
    [tenant.id],
  );
  expect(found).toEqual({ whole: true });
});

test('a key that is bound to spaces reads the events of one of them, and no others', async () => {
  const [own, other] = [await stagedoor.createSpace(tenant), await stagedoor.createSpace(tenant)];
  const body = { name: 'bound', scopes: ['events:read'], spaceIds: [own['id']] };
  const { key } = await stagedoor.expect(201, stagedoor.post('/v1/api-keys', tenant.key, body));
  await until(async () => (await all(`?spaceId=${own['id']}`)).length > 0, 'the space is told');
  expect(typesOf(await all(`?spaceId=${own['id']}`, key))).toEqual(['space.created']);
  for (const route of ['/v1/events', '/v1/events/stream']) {
    for (const query of ['', `?spaceId=${other['id']}`]) {
      expectProblem(await stagedoor.get(`${route}${query}`, key), 'forbidden');
    }
  }
});

test('old events are dropped, and a reader learns how many they missed', async () => {
  await write([1, 2, 3]);
  await until(async () => numbersOf(await all()).length === 3, 'all are told');
  const { data } = await page('?limit=2');
  const after = (data as Json[]).at(-1)?.['id'] as string;
  await stagedoor.database.query(
    `update events set logged_at = logged_at - interval '31 days' where tenant_id = $1 and position <= 4`,
    [tenant.id],
  );
  await stagedoor.database.query(
    `update event_logs set first_at = first_at - interval '31 days' where tenant_id = $1`,
    [tenant.id],
  );
  await stagedoor.app.get(EventRetention).run();
  expect(numbersOf(await all())).toEqual([3]);
  expect(await page(`?after=${after}`)).toMatchObject({ missed: 2, hasMore: false });
  const reader = await EventReader.open(stagedoor.url, tenant.key, '', after);
  await until(() => reader.events.length === 1, 'the stream goes on with what is left');
  expect(reader.notes).toEqual([{ event: 'stagedoor.missed', data: { missed: 2 } }]);
  reader.cut();
});

test('an issued grant is told to those who ask for it by its type, and recorded for nobody else', async () => {
  const space = await stagedoor.createSpace(tenant);
  const other = await stagedoor.createTenant();
  const otherSpace = await stagedoor.createSpace(other);
  const join = (userId: string, of = tenant, at = space) =>
    stagedoor.expect(201, stagedoor.post(`/v1/spaces/${at['id']}/join`, of.key, { userId }));
  await join('early');
  const sealed = async (of: TestTenant, count: number) => {
    const [row] = await stagedoor.database.query(
      `select count(*)::int as entries from audit where tenant_id = $1 and action like '%join%' and seq is not null`,
      [of.id],
    );
    return row?.['entries'] === count;
  };
  await until(() => sealed(tenant, 1), 'the first vend is sealed');
  const reader = await EventReader.open(stagedoor.url, tenant.key, '?type=grant.issued,ban.created');
  const plain = await EventReader.open(stagedoor.url, tenant.key);
  const { stage } = await join('late');
  await join('stranger', other, otherSpace);
  await until(() => reader.events.length === 2, 'both grants are told');
  expect(reader.events).toMatchObject([
    { type: 'grant.issued', userId: 'late', spaceId: space['id'], data: { role: 'viewer' } },
    { type: 'grant.issued', userId: 'late', spaceId: space['id'], data: { role: 'viewer' } },
  ]);
  const told = reader.events.find(({ data }) => data['kind'] === 'stage');
  expect(told?.['data']).toMatchObject({ participantId: stage.participantId });
  for (const event of reader.events) {
    expect(eventSchemas.find(({ shape }) => shape.type.value === event['type'])?.parse(event)).toEqual(event);
  }
  expect(await all('?type=grant.issued')).toEqual(reader.events);
  await write([1]);
  await until(() => numbersOf(plain.events).length === 1, 'the stream of all types goes on');
  expect([...typesOf(plain.events), ...typesOf(await all())]).not.toContain('grant.issued');
  await until(() => sealed(other, 1), 'the vend of the other tenant is sealed');
  const rows = await stagedoor.database.query(
    `select tenant_id from events where type = 'grant.issued' union all select tenant_id from untold_grants`,
  );
  expect(rows).toEqual([{ tenant_id: tenant.id }, { tenant_id: tenant.id }]);
  for (const one of [reader, plain]) one.cut();
});

describe('the stream', () => {
  test('tells what happens from now on, of one tenant and by its filters', async () => {
    await until(async () => (await all()).length === 2, 'the first events are told');
    const other = await stagedoor.createTenant();
    const readers = await Promise.all([
      EventReader.open(stagedoor.url, tenant.key),
      EventReader.open(stagedoor.url, tenant.key, '?type=ban.created'),
      EventReader.open(stagedoor.url, other.key),
    ]);
    await write([1, 2]);
    await write([9], other);
    await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId: 'troll' }));
    await until(() => readers.every(({ events }) => events.length > 0), 'each reader has an event');
    await until(() => typesOf(readers[0]?.events ?? []).includes('action.delivered'), 'the first reader has all');
    expect(numbersOf(readers[0]?.events ?? [])).toEqual([1, 2]);
    expect(typesOf(readers[1]?.events ?? [])).toEqual(['ban.created']);
    expect(numbersOf(readers[2]?.events ?? [])).toEqual([9]);
    for (const { events } of readers) expect(new Set(events.map(({ tenantId }) => tenantId)).size).toBe(1);
    for (const reader of readers) reader.cut();
  });

  test('misses nothing and tells nothing twice when it is cut a hundred times', async () => {
    const seen: number[] = [];
    let lastEventId: string | undefined;
    let n = 0;
    for (let cuts = 0; cuts < 100; cuts++) {
      const reader = await EventReader.open(stagedoor.url, tenant.key, '?type=space.opened', lastEventId);
      await until(() => reader.lastEventId !== undefined, 'the stream says where it begins');
      await write([n++, n++]);
      // The others are cut when they may have nothing yet, or a part.
      if (cuts % 5 === 0) await until(() => reader.events.length > 0, 'an event comes');
      reader.cut();
      seen.push(...numbersOf(reader.events));
      ({ lastEventId } = reader);
    }
    const reader = await EventReader.open(stagedoor.url, tenant.key, '?type=space.opened', lastEventId);
    await until(() => seen.length + reader.events.length >= n, 'the last reader has the rest');
    seen.push(...numbersOf(reader.events));
    reader.cut();
    expect(seen).toEqual(Array.from({ length: n }, (_, nth) => nth));
  });

  test('ends with a reason when its key is revoked', async () => {
    const body = { name: 'soon gone', scopes: ['events:read'] };
    const key = await stagedoor.expect(201, stagedoor.post('/v1/api-keys', tenant.key, body));
    const reader = await EventReader.open(stagedoor.url, key['key']);
    await until(() => reader.lastEventId !== undefined, 'the stream has begun');
    await stagedoor.expect(204, stagedoor.request('DELETE', `/v1/api-keys/${key['id']}`, { as: tenant.key }));
    await until(() => reader.isOver, 'the stream has ended');
    expect(reader.notes).toMatchObject([{ event: 'stagedoor.closed', data: { reason: 'unauthenticated' } }]);
  });

  /** How many streams are open on the replica. */
  const openStreams = async () => {
    const { text } = await stagedoor.get('/metrics');
    return Number(/^stagedoor_event_streams (\d+)/m.exec(text)?.[1]);
  };

  test('is refused if the tenant or the replica has too many, and open again when one has ended', async () => {
    const other = await stagedoor.createTenant();
    await until(async () => (await openStreams()) === 0, 'the streams of other tests have ended');
    const open = (as: string) => EventReader.open(stagedoor.url, as);
    const readers = await Promise.all(Array.from({ length: 5 }, () => open(tenant.key)));
    const refused = await stagedoor.get('/v1/events/stream', tenant.key);
    expectProblem(refused, 'rate_limited');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    readers.push(...(await Promise.all(Array.from({ length: 3 }, () => open(other.key)))));
    const full = await stagedoor.once.get('/v1/events/stream', other.key);
    expectProblem(full, 'unavailable');
    expect(Number(full.headers.get('retry-after'))).toBeGreaterThan(0);
    readers.pop()?.cut();
    await until(async () => (await openStreams()) === 7, 'the service notices that one has ended');
    const again = await open(other.key);
    expect(again.status).toBe(200);
    for (const reader of [...readers, again]) reader.cut();
  });

  test('is checked again each minute: it ends when its key has expired, and goes on while the tenant is suspended', async () => {
    const body = { name: 'soon over', scopes: ['events:read'] };
    const key = await stagedoor.expect(201, stagedoor.post('/v1/api-keys', tenant.key, body));
    const reader = await EventReader.open(stagedoor.url, key['key'], '?type=space.opened');
    const other = await EventReader.open(stagedoor.url, tenant.key, '?type=space.opened');
    await until(() => [reader, other].every(({ lastEventId }) => lastEventId !== undefined), 'the streams have begun');
    const as = Stagedoor.operatorToken;
    await stagedoor.expect(
      200,
      stagedoor.request('PATCH', `/v1/tenants/${tenant.id}`, { as, body: { status: 'suspended' } }),
    );
    await stagedoor.database.query(`update api_keys set expires_at = now() - interval '1 second' where id = $1`, [
      key['id'],
    ]);
    stagedoor.app.get(EventStreams).tick(performance.now() + 61_000);
    await until(() => reader.isOver, 'the stream of the key that has expired ends');
    expect(reader.notes).toMatchObject([{ event: 'stagedoor.closed', data: { reason: 'unauthenticated' } }]);
    await write([1]);
    await until(() => other.events.length === 1, 'the other stream goes on');
    expect(other.notes).toEqual([]);
    other.cut();
  });

  test('tells of events whose notification was lost', async () => {
    const reader = await EventReader.open(stagedoor.url, tenant.key, '?type=space.opened');
    await until(() => reader.lastEventId !== undefined, 'the stream has begun');
    // As number_events does, without NOTIFY.
    await writer.query('begin');
    await writer.query(`select take_lock('event log', '{}', true)`);
    await writer.query('select write_events($1, $2)', [tenant.id, numbered([1, 2])]);
    await writer.query('select * from place_events(500)');
    await writer.query('commit');
    await until(() => reader.events.length === 2, 'the events come');
    expect(numbersOf(reader.events)).toEqual([1, 2]);
    reader.cut();
  });

  test('goes on after Postgres has cut all connections', async () => {
    const reader = await EventReader.open(stagedoor.url, tenant.key, '?type=space.opened');
    await until(() => reader.lastEventId !== undefined, 'the stream has begun');
    await stagedoor.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name like 'stagedoor%'`,
    );
    const end = await begin([1, 2]); // nobody in the service knows of it before the next look
    await end('commit');
    await until(() => reader.events.length === 2, 'the events come');
    expect(numbersOf(reader.events)).toEqual([1, 2]);
    reader.cut();
  });

  test('refuses a place that is none of this tenant', async () => {
    for (const id of ['x', 'evt_7zzzzzzzzzzzzzzzzzzzzzzzzz']) {
      const headers = { 'last-event-id': id };
      const answer = await stagedoor.request('GET', '/v1/events/stream', { as: tenant.key, headers });
      expectProblem(answer, 'invalid_request');
    }
  });

  test('ends with a reason when the replica stops, and does not hold up the stop', async () => {
    const reader = await EventReader.open(stagedoor.url, tenant.key);
    await until(() => reader.lastEventId !== undefined, 'the stream has begun');
    await stagedoor.app.getHttpAdapter().close(); // what a stop does first
    await until(() => reader.isOver, 'the stream has ended');
    expect(reader.notes).toMatchObject([{ event: 'stagedoor.closed', data: { reason: 'stopping' } }]);
  });
});
