import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Cluster, type Service } from '../support/cluster.ts';
import { secretSearch } from '../support/secret-search.ts';
import { until } from '../support/until.ts';

interface Exported {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
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
