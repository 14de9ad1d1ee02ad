import { randomUUID } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Span } from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module.ts';
import type { Settings } from './config.ts';
import { Database } from './database/database.ts';
import { assertServable } from './database/serving-role.ts';
import { Problem } from './errors.ts';
import { acceptJsonOnly, maxBodyBytes } from './http/json-body.ts';
import { answerMalformed, answerUnroutable } from './http/unroutable.ts';
import { logRequest } from './logging.ts';
import { serveDocs } from './openapi/docs.ts';
import { currentRequest, runInRequest } from './request-context.ts';
import { Metrics } from './telemetry/metrics.ts';
import { beginRequestSpan, endRequestSpan } from './telemetry/spans.ts';

/**
 * The service, ready to listen.
 * @throws if the database cannot be served from, with one clear line.
 */
export async function createApp(settings: Settings): Promise<NestFastifyApplication> {
  const app = await assemble(settings);
  try {
    await assertServable(app.get(Database).pool);
  } catch (error) {
    await app.close();
    throw error;
  }
  return app;
}

/** The service put together, without a look at the database: enough to describe its API. */
export async function assemble(settings: Settings): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: maxBodyBytes,
    requestTimeout: 10_000,
    connectionTimeout: 0,
    keepAliveTimeout: 65_000, // longer than the 60 s of common load balancers, which would else reuse a closed one
    trustProxy: settings.trustedProxies ?? false,
    requestIdHeader: false,
    genReqId: (request: { headers: Record<string, string | string[] | undefined> }) =>
      requestId(request.headers['x-request-id']),
    routerOptions: { maxParamLength: 512 },
    forceCloseConnections: 'idle',
    return503OnClosing: false, // what comes on open connections while stopping is served, and told to connect anew
    frameworkErrors: answerUnroutable,
    clientErrorHandler: answerMalformed,
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(settings), adapter, {
    bodyParser: false,
    bufferLogs: true,
    abortOnError: false,
    forceCloseConnections: false,
  });
  app.useLogger(app.get(Logger));
  const fastify = adapter.getInstance() as unknown as FastifyInstance;
  fastify.server.headersTimeout = 5_000;
  acceptJsonOnly(fastify);
  observeRequests(fastify, app.get(Metrics));
  keepBackLateTokens(fastify);
  letGoWhenStopping(fastify);
  serveDocs(app);
  app.enableShutdownHooks([], { useProcessExit: true }); // a stop that was asked for is a success: exit 0
  await app.init();
  return app;
}

/** Gives each request its id, context and span, its answer some headers, and the metrics its duration. */
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
  fastify.addHook('onResponse', (request, reply, done) => {
    const labels = { method: request.method, route: routeOf(request), status: String(reply.statusCode) };
    metrics.requests.observe(labels, reply.elapsedTime / 1000);
    const span = spans.get(request);
    if (span) endRequestSpan(span, reply.statusCode);
    logRequest(request, reply, labels.route);
    done();
  });
}

/** The route's pattern, which has no ids in it. */
function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unmatched';
}

/**
 * Answers 503 instead of a token whose time to leave is over. Here, where answers leave, as what comes after the last look
 * at the bans may take its time: keeping the answer under its idempotency key, for one.
 */
function keepBackLateTokens(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (_request, _reply, _payload, done) => {
    const current = currentRequest();
    if (current?.leaveBy === undefined || performance.now() <= current.leaveBy) {
      done();
      return;
    }
    delete current.leaveBy; // the problem comes by here too, and may leave
    done(new Problem('unavailable', 'It took too long to make the tokens. Try again.'));
  });
}

/** Ends connections once their last answer is out: kept alive, they would keep a stopping service for a minute. */
function letGoWhenStopping(fastify: FastifyInstance): void {
  let stopping = false;
  fastify.addHook('preClose', (done) => {
    stopping = true;
    setInterval(() => fastify.server.closeIdleConnections(), 200).unref();
    done();
  });
  fastify.addHook('onSend', (_request, reply, _payload, done) => {
    if (stopping) reply.header('connection', 'close');
    done();
  });
}

/** The caller's own request id, if it is one that can go into a log and a header, and no credential that slipped. */
function requestId(given: string | string[] | undefined): string {
  if (typeof given !== 'string' || !/^[A-Za-z0-9._-]{8,128}$/.test(given)) return randomUUID();
  const isCredential = given.startsWith('sk_') || given.split('.').length > 2;
  return isCredential ? randomUUID() : given;
}
