import type { FastifyReply, FastifyRequest } from 'fastify';
import { PinoLogger, type Params } from 'nestjs-pino';
import type { Settings } from './config.ts';

/** JSON to standard output. No header, no body and no query: they are where the secrets are. */
export function loggerOptions(settings: Settings): Params {
  return {
    forRoutes: [], // its middleware would have nothing to do: see logRequest
    pinoHttp: {
      level: settings.logLevel,
      redact: { paths: ['*.token', '*.key', '*.secret', '*.authorization'], censor: '[redacted]' },
    },
  };
}

const ownId = /^[a-z]{3}_[0-9a-z]{26}$/;

/**
 * One line for a request that was answered, with its id. Of the path only the route's pattern and the ids of our own
 * making: the rest is text of the caller's, which may be a person's name, or a credential in the wrong place.
 */
export function logRequest(request: FastifyRequest, reply: FastifyReply, route: string): void {
  const ids = Object.entries((request.params ?? {}) as Record<string, unknown>).filter(
    ([, value]) => typeof value === 'string' && ownId.test(value),
  );
  const line = {
    requestId: request.id,
    method: request.method,
    route,
    ...Object.fromEntries(ids),
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime * 10) / 10,
  };
  const isProbe = route.startsWith('/health/') || route === '/metrics';
  PinoLogger.root[reply.statusCode >= 500 ? 'error' : isProbe ? 'debug' : 'info'](line, 'request');
}
