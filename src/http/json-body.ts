import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { Problem } from '../errors.ts';

/** Deepest nesting of a body; anything deeper is not meant for this service. */
const maxDepth = 20;

/** Largest body, in bytes. */
export const maxBodyBytes = 64 * 1024;

/**
 * Lets JSON in, and nothing else: UTF-8 only, at most 20 levels deep, no `__proto__` or `constructor.prototype` keys.
 * Forms and plain text are refused (415), so a foreign web page cannot send anything a browser would not first ask about.
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

/** Counts brackets outside strings, before anything recursive sees the text. */
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
