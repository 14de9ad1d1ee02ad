import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { Problem } from '../errors.ts';

/** Maximum depth of a body, in levels. No body of this API needs more. */
const maxDepth = 20;

/** Maximum size of a body, in bytes. */
export const maxBodyBytes = 64 * 1024;

/**
 * Accepts JSON bodies only: UTF-8, at most 20 levels deep, without `__proto__` and `constructor.prototype` keys. Forms and
 * plain text get a 415. So a foreign web page can send nothing without a CORS preflight of the browser.
 */
export function acceptJsonOnly(fastify: FastifyInstance): void {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (body.length === 0) return done(null, undefined);
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
