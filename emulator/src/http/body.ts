import type { IncomingMessage } from 'node:http';

/** A body that was read, or one larger than anybody needs. */
export type Body = Buffer | 'too-large';

/**
 * Reads a request's body. The rest of one that is too large is read and thrown away, so that the client gets to hear
 * the answer instead of a broken connection.
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
