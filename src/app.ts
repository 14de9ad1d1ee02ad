import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Span } from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module.ts';
import type { Settings } from './config.ts';
import { ChatOrigins } from './console/chat-origins.ts';
import { serveConsole } from './console/console-pages.ts';
import { examine, Reach } from './database/reach.ts';
import { Problem, rateLimitFields } from './errors.ts';
import { EventStreams } from './events/event-streams.ts';
import { Stopping } from './health/stopping.ts';
import { allowOrigins } from './http/cross-origin.ts';
import { discardUnreadBodies } from './http/discard-body.ts';
import { acceptJsonOnly, maxBodyBytes } from './http/json-body.ts';
import { refuse } from './http/problem.filter.ts';
import { requestId } from './http/request-id.ts';
import { answerMalformed, unroutableHandler } from './http/unroutable.ts';
import { Journal } from './journal/journal.ts';
import { TurnHooks } from './joins/turn-hooks.ts';
import { Connections } from './limiting/connections.ts';
import { logRequest } from './logging.ts';
import { serveDocs } from './openapi/docs.ts';
import { currentRequest, runInRequest } from './request-context.ts';
import { Keyring } from './secrets/keyring.ts';
import { openKeyring } from './secrets/open-keyring.ts';
import { Kms } from './secrets/kms.ts';
import type { Stoppable } from './stop-on-signals.ts';
import { Metrics } from './telemetry/metrics.ts';
import { beginRequestSpan, endRequestSpan, traceOf } from './telemetry/spans.ts';

/** Node looks this often for requests that have taken too long to arrive, in milliseconds. Its default is 30 s. */
const checkConnectionsMs = 1_000;

/**
 * Checks the database and builds the service. The result is ready to listen.
 * @throws {Error} with a one-line message, if the service cannot work with this database.
 */
export async function createApp(settings: Settings): Promise<NestFastifyApplication> {
  const kms = new Kms(settings.kmsEndpoint);
  const { reach, found } = await examine(settings.databaseUrl, (client) =>
    openKeyring(client, settings.masterKeys, true, kms),
  ).finally(() => kms.onApplicationShutdown());
  return await assemble(settings, reach, found);
}

/**
 * How to end the service without losing a request.
 * @param flushTraces sends the spans that are still buffered.
 */
export function stoppable(app: NestFastifyApplication, flushTraces: () => Promise<void>): Stoppable {
  return {
    beginStopping: () => app.get(Stopping).begin(),
    async close() {
      // Running requests begin calls of moderation. So they end first, then the background work, then the database.
      await app.getHttpAdapter().close();
      await app.close();
      await flushTraces();
    },
  };
}

/** Builds the service without asking the database. The OpenAPI document needs no more than this. */
export async function assemble(
  settings: Settings,
  reach = new Reach(false),
  keyring = Keyring.of(settings.masterKeys),
): Promise<NestFastifyApplication> {
  const ownSecrets = settings.secrets;
  const adapter = new FastifyAdapter({
    bodyLimit: maxBodyBytes,
    requestTimeout: 10_000,
    http: { connectionsCheckingInterval: checkConnectionsMs },
    connectionTimeout: 0,
    // Common load balancers keep connections for 60 s. With a shorter time they would use connections that are closed.
    keepAliveTimeout: 65_000,
    trustProxy: settings.trustedProxies ?? false,
    requestIdHeader: false,
    genReqId: (request: { headers: Record<string, string | string[] | undefined> }) =>
      requestId(request.headers['x-request-id'], ownSecrets),
    routerOptions: { maxParamLength: 512 },
    forceCloseConnections: 'idle',
    // A stopping service still serves requests on open connections, and closes each connection after the answer.
    return503OnClosing: false,
    frameworkErrors: unroutableHandler(settings.corsOrigins),
    clientErrorHandler: answerMalformed,
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(settings, reach, keyring), adapter, {
    bodyParser: false,
    bufferLogs: true,
    abortOnError: false,
    forceCloseConnections: false,
  });
  app.useLogger(app.get(Logger));
  const fastify = adapter.getInstance() as unknown as FastifyInstance;
  fastify.server.headersTimeout = 5_000;
  app.get(Connections).watch(fastify.server);
  acceptJsonOnly(fastify);
  observeRequests(fastify, app.get(Metrics));
  allowOrigins(fastify, settings.corsOrigins);
  refuseWhileOlder(fastify, app.get(Journal));
  app.get(TurnHooks).register(fastify);
  withholdLateTokens(fastify);
  closeConnectionsWhenStopping(fastify, app.get(Stopping), app.get(EventStreams));
  discardUnreadBodies(fastify);
  serveDocs(app);
  serveConsole(fastify, (request) => app.get(ChatOrigins).of(request));
  try {
    await app.init();
  } catch (error) {
    // What has begun must not go on: connections are open, and background work is scheduled.
    await app.close().catch(() => undefined);
    throw error;
  }
  return app;
}

/** Gives each request an id, a context, a span, a log line, a measurement, and its answer the common headers. */
function observeRequests(fastify: FastifyInstance, metrics: Metrics): void {
  const spans = new WeakMap<FastifyRequest, Span>();
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store', // answers hold tokens
    });
    const begin = () => runInRequest({ requestId: request.id, startedAt: performance.now() }, done);
    spans.set(request, beginRequestSpan(request.method, routeOf(request), request.headers, begin));
  });
  fastify.addHook('onSend', (_request, reply, _payload, done) => {
    // The guard has told how many acts may be tried, which are more.
    const acts = currentRequest()?.acts;
    if (acts && reply.statusCode < 400) reply.headers(rateLimitFields(acts.limit, acts.left, acts.moreInSeconds));
    done();
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const labels = { method: request.method, route: routeOf(request), status: String(reply.statusCode) };
    metrics.requests.observe(labels, reply.elapsedTime / 1000);
    const span = spans.get(request);
    if (span) endRequestSpan(span, reply.statusCode);
    logRequest(request, reply, labels.route, traceOf(span));
    done();
  });
}

/** The pattern of the route. Unlike the path, it holds no ids. */
function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unmatched';
}

/** Patterns of the routes that ask the database. The address of a request may be spelled in other ways. */
const servedWithDatabase = /^\/(v1|ingest|console\/(session|sign-in))(\/|$)/;

/** Answers 503 while the database is older than its journal: in it, banned people may enter, and revoked keys may call. */
function refuseWhileOlder(fastify: FastifyInstance, journal: Journal): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const why = journal.whyNotReady;
    if (why === undefined || !servedWithDatabase.test(request.routeOptions.url ?? '')) done();
    else refuse(new Problem('unavailable', why, { retryAfterSeconds: 5 }), request, reply);
  });
}

/**
 * Answers 503 instead of a token if the latest time for its release is past. The check is done at the very end, because
 * work after the last check of the bans takes time too, such as storing the answer under its idempotency key.
 */
function withholdLateTokens(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (_request, _reply, _payload, done) => {
    const current = currentRequest();
    if (current?.leaveBy === undefined || performance.now() <= current.leaveBy) {
      done();
      return;
    }
    delete current.leaveBy; // the 503 itself passes this hook too, and must not be replaced again
    done(new Problem('unavailable', 'The tokens were not made in time. Try again.'));
  });
}

/**
 * Closes each connection after its next answer once the service is stopping. Connections without a request stay open while
 * the service drains, because a load balancer may be sending a request on them. At the end they would delay the stop by a
 * minute, so they are closed then. Streams of events end then, too: their readers connect again, to another replica.
 */
function closeConnectionsWhenStopping(fastify: FastifyInstance, stopping: Stopping, streams: EventStreams): void {
  fastify.addHook('preClose', (done) => {
    stopping.begin();
    streams.endAll();
    setInterval(() => fastify.server.closeIdleConnections(), 200).unref();
    done();
  });
  fastify.addHook('onSend', (_request, reply, _payload, done) => {
    if (stopping.hasBegun) reply.header('connection', 'close');
    done();
  });
}
