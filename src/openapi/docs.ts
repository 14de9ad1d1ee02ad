import type { FastifyInstance } from 'fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import { problemKinds } from '../errors.ts';
import { problemDocsPath } from '../http/problem.filter.ts';
import { openApiDocument } from './openapi.ts';

/** Serves the API's description: /openapi.json for programs, /docs and the list of problem codes for people. */
export function serveDocs(app: NestFastifyApplication): void {
  const document = openApiDocument(app);
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'openapi.json', yamlDocumentUrl: 'openapi.yaml' });
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  fastify.get(problemDocsPath, (_, reply) => reply.type('text/html; charset=utf-8').send(problemsPage()));
}

function problemsPage(): string {
  const rows = Object.entries(problemKinds).map(
    ([code, { status, title }]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${title}.</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Stagedoor: problem codes</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }
  table { border-collapse: collapse; width: 100% }
  code { overflow-wrap: anywhere }
  td, th { text-align: left; padding: .4rem .3rem; border-bottom: 1px solid #8884; vertical-align: top }
  tr:target { background: #fd64 }
</style>
<h1>Problem codes</h1>
<p>Every failure is an <a href="https://www.rfc-editor.org/rfc/rfc9457">RFC 9457</a> document with one of these codes.
<code>detail</code> says what happened and what to do; name the <code>requestId</code> when you report it.</p>
<table>
<tr><th>code<th>status<th>meaning</tr>
${rows.join('\n')}
</table>
</html>
`;
}
