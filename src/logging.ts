import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Params } from 'nestjs-pino';
import type { Settings } from './config.ts';

/** JSON to standard output, one line a request, with its id. No header and no body: they are where the secrets are. */
export function loggerOptions(settings: Settings): Params {
  return {
    pinoHttp: {
      level: settings.logLevel,
      genReqId: (request: IncomingMessage) => (request as IncomingMessage & { id?: string }).id ?? '',
      serializers: {
        req: (request: { id: string; method: string; url: string }) => ({
          id: request.id,
          method: request.method,
          path: request.url.split('?')[0], // a query may hold what somebody should not have put there
        }),
        res: (response: ServerResponse) => ({ statusCode: response.statusCode }),
      },
      customLogLevel: (request, response) => {
        if (response.statusCode >= 500) return 'error';
        return request.url?.startsWith('/health/') || request.url === '/metrics' ? 'debug' : 'info';
      },
      quietReqLogger: true,
      redact: { paths: ['*.token', '*.key', '*.secret', '*.authorization'], censor: '[redacted]' },
    },
  };
}
