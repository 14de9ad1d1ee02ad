import type { FastifyReply, FastifyRequest } from 'fastify';
import { PinoLogger, type Params } from 'nestjs-pino';
import { type DestinationStream, pino } from 'pino';
import type { Settings } from './config.ts';
import { redaction } from './redaction.ts';
import { traceOf } from './telemetry/spans.ts';

/**
 * Logs JSON to standard output. Headers, bodies and queries are never logged, because they hold secrets. What is a secret all
 * the same, by the name of its key, by its form or because it is one of the settings, is taken out of the finished line: the
 * messages and stacks of errors are of others.
 */
export function loggerOptions(
  settings: Pick<Settings, 'logLevel' | 'secrets'>,
  output: DestinationStream = new StandardOutput(),
): Params {
  const redacted = redaction(settings.secrets);
  return {
    forRoutes: [], // `logRequest` writes the request line, so no route needs nestjs-pino's middleware
    pinoHttp: [
      {
        level: settings.logLevel,
        mixin: () => traceOf(),
        redact: { paths: ['*.token', '*.key', '*.secret', '*.authorization'], censor: '[redacted]' },
      },
      {
        write: (line: string) => output.write(redacted(line)),
        flushSync: () => (output as Partial<StandardOutput>).flushSync?.(), // pino calls it after a fatal error
      } as DestinationStream,
    ],
  };
}

/** So many characters of lines wait while nobody reads standard output. */
const mostWaiting = 4 * 1024 * 1024;

/**
 * Writes lines to standard output without waiting for its reader. A log driver that cannot send stops to read: requests go on,
 * and later lines are dropped. The next line that finds room says how many are missing.
 */
export class StandardOutput implements DestinationStream {
  private missing = 0;
  private readonly output = pino.destination({ dest: process.stdout.fd, sync: false, maxLength: mostWaiting });

  constructor() {
    this.output.on('drop', () => (this.missing += 1));
  }

  write(line: string): void {
    const { missing } = this;
    if (missing > 0) {
      this.missing = 0;
      this.output.write(`{"level":40,"missing":${missing},"msg":"lines of the log were dropped: nobody read them"}\n`);
      if (this.missing > 0) {
        this.missing = missing + 1; // there is no room for this line either
        return;
      }
    }
    this.output.write(line);
  }

  /** Writes what waits. */
  flushSync(): void {
    this.output.flushSync();
  }
}

/** The form of ids that Stagedoor makes: see `newId`. */
const idPattern = /^[a-z]{3}_[0-9a-z]{26}$/;

/**
 * Logs one line for an answered request. Of the path it logs the route's pattern and the ids that Stagedoor made. The
 * caller chooses the rest of a path: it may hold a person's name, or a credential by mistake.
 * @param trace the trace of the request, as `traceOf` tells it.
 */
export function logRequest(request: FastifyRequest, reply: FastifyReply, route: string, trace = {}): void {
  const ids = Object.entries((request.params ?? {}) as Record<string, unknown>).filter(
    ([, value]) => typeof value === 'string' && idPattern.test(value),
  );
  const line = {
    requestId: request.id,
    ...trace,
    method: request.method,
    route,
    ...Object.fromEntries(ids),
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime * 10) / 10,
  };
  // A browser sends an OPTIONS before a request to another origin. That request has a line of its own.
  const isProbe = route.startsWith('/health/') || route === '/metrics' || request.method === 'OPTIONS';
  PinoLogger.root[reply.statusCode >= 500 ? 'error' : isProbe ? 'debug' : 'info'](line, 'request');
}
