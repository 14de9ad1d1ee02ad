import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

/** So many bytes of a body that nobody reads are read and thrown away before the answer is sent. */
const mostBytes = 16 * 1024 * 1024;

/** The answer waits no longer for the end of such a body, in milliseconds. */
const longestMs = 5_000;

/**
 * Lets clients get an answer that is sent before their body has arrived, such as a 413. The connection is closed after such an
 * answer. A connection that is closed with unread bytes in it is reset, and the client loses the answer. Register it after
 * every hook that sets the header `connection`.
 */
export function discardUnreadBodies(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (request, reply, payload, done) => {
    if (request.raw.complete || reply.getHeader('connection') !== 'close') return done(null, payload);
    discard(request.raw, () => done(null, payload));
  });
}

/** Reads until the end of the body, up to the limits, and then calls `over`. */
function discard(body: IncomingMessage, over: () => void): void {
  let bytes = 0;
  const count = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > mostBytes) end();
  };
  const timer = setTimeout(() => end(), longestMs);
  const ends = ['end', 'close', 'error'] as const;
  const end = () => {
    clearTimeout(timer);
    body.off('data', count);
    for (const event of ends) body.off(event, end);
    body.on('error', () => undefined); // the client may go away before it gets its answer
    over();
  };
  for (const event of ends) body.on(event, end);
  body.on('data', count).resume();
}
