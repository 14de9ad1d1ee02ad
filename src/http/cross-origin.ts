import cors, { type FastifyCorsOptions } from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Origins whose pages may call the API from a browser, as the header `origin` names them; `*`: all. */
export type AllowedOrigins = '*' | readonly string[];

/** Headers of answers that a page may read, beside those that the Fetch standard always lets it read. */
const exposedHeaders = ['retry-after', 'ratelimit', 'ratelimit-policy', 'x-request-id'];

/** What a preflight answers, beside the origin. Chromium keeps the answer for two hours at most, other browsers longer. */
const preflight = {
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'x-request-id', 'x-stagedoor-tenant'],
  maxAge: 2 * 3_600,
};

/**
 * Lets pages of the allowed origins call the API (/v1) from a browser (CORS), and no other part of the service. A page sends
 * its bearer token itself. The browser sends nothing by itself, because `credentials` is never allowed: so a page that has
 * no token can do no more than a stranger. A preflight is answered without authentication and without the database.
 */
export function allowOrigins(fastify: FastifyInstance, origins: AllowedOrigins): void {
  const rules: FastifyCorsOptions = {
    ...preflight,
    origin: origins === '*' ? '*' : [...origins],
    exposedHeaders,
    credentials: false,
    strictPreflight: false, // an OPTIONS that is no preflight gets the same answer
  };
  void fastify.register(cors, {
    delegator: (request, done) => done(null, isOfApi(request.url) ? rules : { origin: false }),
  });
  fastify.addHook('onSend', (request, reply, _payload, done) => {
    // The plugin sets it on every answer. It would split caches where the answer is the same for all origins.
    const isSame = origins === '*' || !isOfApi(request.url);
    if (isSame && reply.getHeader('vary') === 'Origin') reply.removeHeader('vary');
    done();
  });
}

/** The headers that let a page read the answer to a request for which Fastify runs no hook. */
export function headersForOrigin(request: FastifyRequest, origins: AllowedOrigins): Record<string, string> {
  if (!isOfApi(request.raw.url ?? '')) return {};
  const { origin } = request.headers;
  const allowed = origins === '*' ? '*' : origins.find((one) => one === origin);
  return {
    ...(allowed !== undefined && { 'access-control-allow-origin': allowed }),
    'access-control-expose-headers': exposedHeaders.join(', '),
    ...(origins !== '*' && { vary: 'Origin' }),
  };
}

function isOfApi(url: string): boolean {
  return /^\/v1(?:[/?]|$)/.test(url);
}
