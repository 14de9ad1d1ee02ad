import type { IncomingMessage } from 'node:http';

/** The body of a request, or `too-large` when it exceeds the limit. */
export type Body = Buffer | 'too-large';

/**
 * Reads the body of a request. A body that is too large is read to its end and discarded, so that the client gets an
 * answer and not a broken connection.
 *
 * @param limit In bytes.
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Body> {
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else chunks.length = 0;
    });
    request.once('end', () => resolve(size > limit ? 'too-large' : Buffer.concat(chunks, size)));
    request.once('error', reject);
  });
}
