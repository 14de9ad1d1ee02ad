import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from '../errors.ts';

/** Maximum depth of a body, in levels. No body of this API needs more. */
const maxDepth = 20;

/** Maximum size of a body, in bytes. */
export const maxBodyBytes = 64 * 1024;

/**
 * Accepts JSON bodies only: UTF-8, at most 20 levels deep, without `__proto__` and `constructor.prototype` keys. Forms,
 * plain text and compressed bodies get a 415. So a foreign web page can send no body without a CORS preflight of the browser.
 * An empty body has no type to be wrong about: many clients name one whenever they send a POST.
 */
export function acceptJsonOnly(fastify: FastifyInstance): void {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (hasNoBody(request)) delete request.raw.headers['content-type'];
    done();
  });
  fastify.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) => {
    // Not destroyed, because the answer leaves on the same socket.
    for await (const _part of payload.iterator({ destroyOnReturn: false })) throw refusalOf(request);
    return undefined;
  });
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (body.length === 0) return done(null, undefined);
    if (isEncoded(request)) return done(refusalOf(request));
    if (!isUtf8(body)) return done(new Problem('invalid_request', 'The body is not valid UTF-8.'));
    if (isTooDeep(body)) {
      return done(new Problem('invalid_request', `The body is nested deeper than ${maxDepth} levels.`));
    }
    void parse(request, body.toString(), (error, value) => {
      if (error) done(new Problem('invalid_request', `The body is not valid JSON: ${error.message}.`));
      else done(null, value);
    });
  });
}

/** Whether the headers say that no body follows. A body in chunks may turn out to be empty. */
function hasNoBody({ headers }: FastifyRequest): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] === undefined && (length === undefined || Number(length) === 0);
}

function isEncoded({ headers }: FastifyRequest): boolean {
  const encoding = headers['content-encoding'];
  return encoding !== undefined && encoding.trim().toLowerCase() !== 'identity';
}

/** The 415 for a body that is no JSON as it is. */
function refusalOf(request: FastifyRequest): Problem {
  return isEncoded(request)
    ? new Problem('invalid_request', 'Send the body uncompressed, without content-encoding.', {
        status: 415,
        headers: { 'accept-encoding': 'identity' },
      })
    : new Problem('invalid_request', 'Send JSON, with content-type: application/json.', { status: 415 });
}

/** Counts brackets outside of strings. It runs before the parser, which is recursive. */
function isTooDeep(json: Buffer): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) {
      inString = true;
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > maxDepth) return true;
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--;
    }
  }
  return false;
}
