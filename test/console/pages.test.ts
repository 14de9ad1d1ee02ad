/** The files of the console as the service serves them: which headers they have, and in which form they are sent. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { fastifyStatic } from '@fastify/static';
import fastify, { type FastifyInstance } from 'fastify';
import { serveConsole } from '../../src/console/console-pages.ts';

let folder: string;
let server: FastifyInstance;
const script = 'console.log("here");'.repeat(100);

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-console-'));
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** Leaves what a build leaves, and serves it. */
async function serveBuilt(): Promise<void> {
  const assets = path.join(folder, 'dist/assets');
  mkdirSync(assets, { recursive: true });
  writeFileSync(path.join(folder, 'dist/index.html'), '<meta content="__STAGEDOOR_NONCE__"><h1>Here</h1>');
  writeFileSync(path.join(folder, 'dist/secret.txt'), 'no file of the pages');
  writeFileSync(path.join(assets, 'index-a1b2.js'), script);
  writeFileSync(path.join(assets, 'index-a1b2.js.gz'), gzipSync(script));
  server = await serve();
}

async function serve(): Promise<FastifyInstance> {
  const one = fastify();
  await one.register(fastifyStatic, { root: folder, serve: false }); // as the documentation does
  serveConsole(one, async ({ headers }) => headers.cookie && 'wss://chat.example', path.join(folder, 'dist'));
  return one;
}

test('a file is sent in the compressed form that the browser takes, and is kept for a year', async () => {
  await serveBuilt();
  const url = '/console/assets/index-a1b2.js';
  const packed = await server.inject({ url, headers: { 'accept-encoding': 'br;q=0, gzip' } });
  const plain = await server.inject({ url });
  for (const { statusCode, headers } of [packed, plain]) {
    expect(statusCode).toBe(200);
    expect(headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': expect.stringMatching(/javascript/),
      vary: 'accept-encoding',
    });
  }
  expect(packed.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(packed.rawPayload).toString()).toBe(script);
  expect([plain.headers['content-encoding'], plain.body]).toEqual([undefined, script]);
});

test('each page has a nonce of its own, and its policy names no other source of scripts and styles', async () => {
  await serveBuilt();
  const nonces = new Set<string>();
  for (const url of ['/console/', '/console/spaces/spc_1', '/console/secret.txt', '/console/..%2fsecret.txt']) {
    const { statusCode, headers, body } = await server.inject({ url });
    const nonce = /content="([^"]+)"/.exec(body)?.[1] ?? '';
    expect([url, statusCode, headers['cache-control']]).toEqual([url, 200, 'no-store']);
    expect(headers['content-security-policy']).toContain(`script-src 'self'; style-src 'self' 'nonce-${nonce}';`);
    expect(headers['content-security-policy']).not.toMatch(/unsafe|https?:|\*/);
    nonces.add(nonce);
  }
  expect(nonces.size).toBe(4);
});

test('a page may connect to the chat rooms of the tenant that is signed in, and to nothing else elsewhere', async () => {
  await serveBuilt();
  const url = '/console/spaces/spc_1/chat';
  const policies = await Promise.all(
    [{}, { cookie: 'signed=in' }].map(async (headers) => {
      const answer = await server.inject({ url, headers });
      return /connect-src ([^;]+);/.exec(String(answer.headers['content-security-policy']))?.[1];
    }),
  );
  expect(policies).toEqual(["'self'", "'self' wss://chat.example"]);
});

test('the browser asks for the session while it loads the scripts, and for the spaces if somebody is signed in', async () => {
  await serveBuilt();
  const asked = async (url: string, cookie?: string) => {
    const { headers } = await server.inject({ url, headers: cookie === undefined ? {} : { cookie } });
    return [...String(headers['link']).matchAll(/<([^>]+)>; rel=preload; as=fetch; crossorigin/g)].map(
      ([, one]) => one,
    );
  };
  expect(await asked('/console/')).toEqual(['/console/session']);
  expect(await asked('/console/', 'signed=in')).toEqual(['/console/session', '/v1/spaces?limit=100']);
  expect(await asked('/console/overview', 'signed=in')).toEqual(['/console/session']);
});

test('an unknown file is a 404, and no path leads out of the folder of files', async () => {
  await serveBuilt();
  for (const url of ['nothing.js', '..%2fsecret.txt', '%2e%2e/secret.txt', '']) {
    const { statusCode, body } = await server.inject({ url: `/console/assets/${url}` });
    expect([url, statusCode === 200 && !body.includes('Here')]).toEqual([url, false]);
    expect(body).not.toContain('no file of the pages');
  }
});

test('a service without the built console says so', async () => {
  server = await serve();
  const { statusCode, body } = await server.inject({ url: '/console/' });
  expect([statusCode, body]).toEqual([404, expect.stringMatching(/not built.*npm run build/s)]);
});
