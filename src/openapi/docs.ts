import { hash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import { openApiDocument } from './openapi.ts';
import { serveSite } from './site.ts';
import { toYaml } from './yaml.ts';

/**
 * Serves the OpenAPI document (/openapi.json, /openapi.yaml), its page /docs/api, and the documentation site. Each text is
 * made once, at the start: anybody can ask for it, and making it takes as much time as many requests.
 */
export function serveDocs(app: NestFastifyApplication): void {
  const document = openApiDocument(app);
  SwaggerModule.setup('docs/api', app, document, { raw: false });
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  serveText(fastify, '/openapi.json', 'application/json; charset=utf-8', JSON.stringify(document));
  serveText(fastify, '/openapi.yaml', 'application/yaml; charset=utf-8', toYaml(document));
  serveSite(fastify);
}

/** Serves a text that stays the same until the next start. A client that has it already gets 304. */
function serveText(fastify: FastifyInstance, path: string, type: string, text: string): void {
  const body = Buffer.from(text);
  const etag = `"${hash('sha256', body, 'base64url')}"`;
  fastify.get(path, (request, reply) => {
    void reply.headers({ etag, 'cache-control': 'no-cache' });
    const known = request.headers['if-none-match']?.split(',').map((one) => one.trim().replace(/^W\//, ''));
    if (known?.includes(etag) || known?.includes('*')) return reply.status(304).send();
    return reply.type(type).send(body);
  });
}
