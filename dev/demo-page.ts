/**
 * The page /demo of `npm start` and `npm run dev`: the built sample application, on the address of the service. The command
 * starts the service with `--import` of this file. Fastify tells on a channel of its own that an instance is made, and this
 * file adds the routes. So the service itself knows nothing of the page (docs/decisions/0027-the-demo-page-is-added-from-outside.md).
 */
import { subscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import type { FastifyInstance, FastifyReply } from 'fastify';

import { LOCAL_ISSUER_KEY, localIssuer } from './local-issuer.ts';

/** How long the JWTs of the page are good. The page reads new ones, as an app asks its identity provider. */
const JWT_SECONDS = 300;

const pages = path.resolve(import.meta.dirname, '../samples/react/dist');

const types: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

const users = [
  { userId: 'alice', name: 'Alice' },
  { userId: 'bob', name: 'Bob' },
];

/** What the page is told: where everything is, and who uses it. Each call signs new JWTs. */
function configuration(dataDir: string, emulator: string | undefined): object {
  const { spaceId } = JSON.parse(readFileSync(path.join(dataDir, 'demo.json'), 'utf8')) as { spaceId: string };
  const issuer = localIssuer(readFileSync(path.join(dataDir, 'secrets', LOCAL_ISSUER_KEY), 'utf8'));
  return {
    spaceId,
    emulator: emulator ?? null,
    users: users.map((user) => ({ ...user, token: issuer.sign(user.userId, user.name, JWT_SECONDS) })),
  };
}

/** Whether a request was sent to this machine by its name or address. A page of a stranger could send one by another name. */
function isLocal(host: string | undefined): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host ?? '');
}

async function sendFile(reply: FastifyReply, name: string): Promise<unknown> {
  const file = path.join(pages, name);
  const type = types[path.extname(file)];
  if (!file.startsWith(pages + path.sep) || type === undefined) return reply.callNotFound();
  const text = await readFile(file).catch(() => undefined);
  return text === undefined ? reply.callNotFound() : reply.type(type).send(text);
}

function addDemo(fastify: FastifyInstance, dataDir: string): void {
  fastify.get('/demo', (_request, reply) => reply.redirect('/demo/'));
  fastify.get('/demo/demo.json', (request, reply) => {
    // The JWTs are for who sits at this machine.
    if (!isLocal(request.headers.host)) return reply.callNotFound();
    return reply.send(configuration(dataDir, process.env['IVS_ENDPOINT']));
  });
  fastify.get('/demo/console.json', (request, reply) => {
    // The console signs in with it by one click. It is for who sits at this machine, too.
    if (!isLocal(request.headers.host)) return reply.callNotFound();
    const { apiKey } = JSON.parse(readFileSync(path.join(dataDir, 'demo.json'), 'utf8')) as { apiKey: string };
    return reply.send({ apiKey });
  });
  fastify.get<{ Params: { '*': string } }>('/demo/*', (request, reply) =>
    sendFile(reply, request.params['*'] || 'index.html'),
  );
}

const dataDir = process.env['STAGEDOOR_DEMO_DATA'];
if (dataDir !== undefined) {
  let isAdded = false;
  subscribe('fastify.initialization', (message) => {
    if (isAdded) return; // metrics may have a server of their own
    isAdded = true;
    addDemo((message as { fastify: FastifyInstance }).fastify, dataDir);
  });
}
