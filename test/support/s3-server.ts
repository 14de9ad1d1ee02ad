/** A server that keeps objects as S3 does (PutObject, GetObject and ListObjectsV2, with paths), for tests of what the service stores in a bucket. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import { secretSearch } from './secret-search.ts';

export class S3Server {
  /** Objects by `bucket/key`. */
  readonly objects = new Map<string, string>();
  /** Number of requests that it refuses from now on, as S3 does when it has too much to do. */
  failures = 0;
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      void buffer(request).then((body) => {
        const answer = (status: number, code?: string) =>
          response.writeHead(status).end(code && `<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
        if (this.failures > 0) {
          this.failures -= 1;
          return answer(503, 'SlowDown');
        }
        if (!request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 ')) return answer(403, 'AccessDenied');
        const { pathname, searchParams } = new URL(request.url ?? '/', 'http://s3');
        const name = decodeURIComponent(pathname.slice(1));
        if (request.method === 'GET' && searchParams.get('list-type') === '2') {
          return response.end(this.list(name.replace(/\/$/, ''), searchParams));
        }
        const object = this.objects.get(name);
        if (request.method === 'GET') return object === undefined ? answer(404, 'NoSuchKey') : response.end(object);
        if (request.method !== 'PUT') return answer(405, 'MethodNotAllowed');
        const sum = Buffer.alloc(4);
        sum.writeUInt32BE(crc32(body));
        if (request.headers['x-amz-checksum-crc32'] !== sum.toString('base64')) return answer(400, 'BadDigest');
        if (request.headers['if-none-match'] === '*' && object !== undefined) return answer(412, 'PreconditionFailed');
        this.objects.set(name, body.toString());
        return answer(200);
      });
    });
  }

  private list(bucket: string, asked: URLSearchParams): string {
    const [prefix, after] = [asked.get('prefix') ?? '', asked.get('start-after') ?? ''];
    const keys = [...this.objects.keys()]
      .filter((name) => name.startsWith(`${bucket}/${prefix}`))
      .map((name) => name.slice(bucket.length + 1))
      .filter((key) => key > after)
      .toSorted()
      .slice(0, Number(asked.get('max-keys') ?? 1_000));
    const contents = keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('');
    return `<?xml version="1.0"?><ListBucketResult><Name>${bucket}</Name>${contents}</ListBucketResult>`;
  }

  static async start(): Promise<S3Server> {
    const made = new S3Server();
    await new Promise<void>((resolve) => made.server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const [name, text] of this.objects) secretSearch.read(name, text);
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
