import { hash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { openApiDocument } from './openapi.ts';
import { serveSite } from './site.ts';
import { toYaml } from './yaml.ts';

/** The document as the repository and the image have it, seen from dist/openapi. */
const written = fileURLToPath(new URL('../../openapi.json', import.meta.url));

/** The sources may have changed since the file was written. What was built has not: a test compares the two. */
const isBuilt = path.extname(import.meta.url) === '.js';

/**
 * Serves the OpenAPI document (/openapi.json, /openapi.yaml), its page /docs/api, and the documentation site. Each text is
 * made once, when somebody first asks for it: most processes are never asked. A built service reads the document, because to
 * make it from the code takes as much time as hundreds of requests.
 */
export function serveDocs(app: NestFastifyApplication): void {
  const document = once<OpenAPIObject>(() =>
    isBuilt && existsSync(written)
      ? (JSON.parse(readFileSync(written, 'utf8')) as OpenAPIObject)
      : openApiDocument(app),
  );
  SwaggerModule.setup('docs/api', app, document, { raw: false });
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  serveText(fastify, '/openapi.json', 'application/json; charset=utf-8', () => JSON.stringify(document()));
  serveText(fastify, '/openapi.yaml', 'application/yaml; charset=utf-8', () => toYaml(document()));
  serveSite(fastify);
}

/** Makes a thing when it is first asked for, and keeps it. */
function once<Thing>(make: () => Thing): () => Thing {
  let made: { thing: Thing } | undefined;
  return () => (made ??= { thing: make() }).thing;
}

/** Serves a text that stays the same until the next start. A client that has it already gets 304. */
function serveText(fastify: FastifyInstance, url: string, type: string, text: () => string): void {
  const answer = once(() => {
    const body = Buffer.from(text());
    return { body, etag: `"${hash('sha256', body, 'base64url')}"` };
  });
  fastify.get(url, (request, reply) => {
    const { body, etag } = answer();
    void reply.headers({ etag, 'cache-control': 'no-cache' });
    const known = request.headers['if-none-match']?.split(',').map((one) => one.trim().replace(/^W\//, ''));
    if (known?.includes(etag) || known?.includes('*')) return reply.status(304).send();
    return reply.type(type).send(body);
  });
}
