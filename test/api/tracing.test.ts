import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Cluster, type Service } from '../support/cluster.ts';
import { LocalIssuer } from '../support/local-issuer.ts';
import { secretSearch } from '../support/secret-search.ts';
import { until } from '../support/until.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

interface Exported {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  links?: { traceId: string }[];
}

const exported: Exported[] = [];
let received = '';
let arrived = () => {};
let collector: Server;
let cluster: Cluster;
let stagedoor: Service;

beforeAll(async () => {
  collector = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      received += body;
      secretSearch.read('the traces', body);
      const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Exported[] }[] }[] };
      exported.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      arrived();
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  cluster = await Cluster.start(0);
  // A process of its own: whoever has begun tracing traces until they end.
  stagedoor = await cluster.add({
    LOG_LEVEL: 'info',
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
  });
});

afterAll(async () => {
  await cluster.stop();
  collector.close();
});

test('a vend is one trace, within the caller’s own, and names nobody', async () => {
  const tenant = await stagedoor.createTenant();
  const space = await stagedoor.createSpace(tenant);
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const answer = await stagedoor.request('POST', `/v1/spaces/${space['id']}/stage-tokens`, {
    as: await tenant.issuer.token('alice-in-the-trace'),
    headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` },
  });
  expect(answer.status).toBe(201);
  const names = () => exported.filter((span) => span.traceId === traceId).map((span) => span.name);
  while (!names().includes('POST /v1/spaces/:spaceId/stage-tokens')) {
    await new Promise<void>((resolve) => (arrived = resolve));
  }
  expect(names().toSorted()).toEqual([
    'IVS CreateParticipantToken',
    'POST /v1/spaces/:spaceId/stage-tokens',
    'postgres admit',
    'postgres issuers_of_place',
    'postgres read_issuer', // for the first token of the issuer
    'postgres settle',
  ]);
  const request = exported.find(({ name, traceId: id }) => id === traceId && name.startsWith('POST'));
  expect(request?.parentSpanId).toBe('b7ad6b7169203331');
  // Whoever has a line of the log finds the trace, and the other way round.
  const lines = () => stagedoor.logged.split('\n').filter((line) => line.includes(`"traceId":"${traceId}"`));
  await until(() => lines().some((line) => line.includes('"msg":"request"')), 'the log has the request');
  expect(lines().at(-1)).toContain(`"requestId":"${answer.headers.get('x-request-id')}"`);
  for (const secret of ['alice-in-the-trace', answer.body['token'] as string, tenant.key, space['id'] as string]) {
    expect(received).not.toContain(secret);
  }
});

/** All spans of a kind that have arrived. */
const spansNamed = (name: string) => exported.filter((span) => span.name === name);
const linksOf = (span: Exported | undefined) => (span?.links ?? []).map(({ traceId }) => traceId);

test('a ban, its calls to IVS that come later, and its webhook lead to one another, and nobody outside learns the caller’s trace', async () => {
  const { ivs } = cluster;
  await using receiver = await WebhookReceiver.start();
  const tenant = await stagedoor.createTenant();
  const space = await stagedoor.createSpace(tenant);
  await stagedoor.expect(
    201,
    stagedoor.post('/v1/webhooks', tenant.key, { url: receiver.url, types: ['ban.created'] }),
  );
  const vend = stagedoor.post(`/v1/spaces/${space['id']}/stage-tokens`, tenant.key, { userId: 'troll' });
  const { token } = await stagedoor.expect(201, vend);
  ivs.join(token as string);
  // No call succeeds while the moderator waits. The background makes those that follow.
  ivs.fault({ operation: 'DisconnectParticipant', effect: { error: 'InternalServerException' } });
  const traceId = '1af7651916cd43dd8448eb211c80319d';
  const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01`, baggage: 'who=alice' };
  const banned = await stagedoor.request('POST', '/v1/bans', { as: tenant.key, body: { userId: 'troll' }, headers });
  expect(banned.status).toBe(201);
  ivs.clearFaults();

  const calls = () => spansNamed('IVS DisconnectParticipant');
  await until(() => Promise.resolve(calls().some((call) => call.traceId !== traceId)), 'a later call is traced');
  await until(() => Promise.resolve(spansNamed('POST /v1/bans').length === 1), 'the request is traced');
  const [request] = spansNamed('POST /v1/bans');
  expect(request?.traceId).toBe(traceId);
  const later = calls().find((call) => call.traceId !== traceId);
  expect(linksOf(request)).toEqual([later?.traceId]);

  await until(() => Promise.resolve(spansNamed('send webhook').length === 1), 'the webhook is traced');
  const [sent] = spansNamed('send webhook');
  expect(linksOf(sent)).toEqual([later?.traceId]);
  expect(sent?.traceId).not.toBe(traceId);
  const [received] = receiver.received;
  expect(received?.headers['traceparent']).toBe(`00-${sent?.traceId}-${sent?.spanId}-01`);
  expect(received?.headers).not.toHaveProperty('baggage');
  const http = exported.find(({ name, traceId: id }) => name === 'POST' && id === sent?.traceId);
  expect(http?.parentSpanId).toBe(sent?.spanId);
});

test('the keys of an issuer are fetched in a span, and its server learns of no trace', async () => {
  const seen: IncomingHttpHeaders[] = [];
  const issuer = await LocalIssuer.create('https://fetched.example', 'stagedoor');
  const { jwks, ...registration } = issuer.registration() as { jwks: object };
  const server = createServer((request, response) => {
    seen.push(request.headers);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(jwks));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const tenant = await stagedoor.createTenant();
    const space = await stagedoor.createSpace(tenant);
    const jwksUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys?secret=in-the-query`;
    await stagedoor.expect(201, stagedoor.post('/v1/issuers', tenant.key, { ...registration, jwksUri }));
    const vend = stagedoor.post(`/v1/spaces/${space['id']}/stage-tokens`, await issuer.token('alice'), {});
    await stagedoor.expect(201, vend);
    await until(() => Promise.resolve(spansNamed('GET').length > 0), 'the fetch is traced');
    expect(seen.length).toBeGreaterThan(0);
    for (const headers of seen) expect(headers).not.toHaveProperty('traceparent');
    expect(received).not.toContain('in-the-query');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
