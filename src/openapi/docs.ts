import { hash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import { type ProblemCode, problemKinds } from '../errors.ts';
import { problemDocsPath } from '../http/problem.filter.ts';
import { openApiDocument } from './openapi.ts';
import { toYaml } from './yaml.ts';

/**
 * Serves the OpenAPI document (/openapi.json, /openapi.yaml), its page /docs, and the page of the problem codes. Each text is
 * made once, at the start: anybody can ask for it, and making it takes as much time as many requests.
 */
export function serveDocs(app: NestFastifyApplication): void {
  const document = openApiDocument(app);
  SwaggerModule.setup('docs', app, document, { raw: false });
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  serveText(fastify, '/openapi.json', 'application/json; charset=utf-8', JSON.stringify(document));
  serveText(fastify, '/openapi.yaml', 'application/yaml; charset=utf-8', toYaml(document));
  serveText(fastify, problemDocsPath, 'text/html; charset=utf-8', problemsPage());
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

/** For each problem code: what has happened, and what the caller can do. The text is HTML. */
const explanations: Readonly<Record<ProblemCode, { happened: string; remedy: string }>> = {
  invalid_request: {
    happened: 'The path, the query, a header or the body is not valid. The service has changed nothing.',
    remedy: 'Correct the fields that <code>errors</code> names, and send the request again.',
  },
  unauthenticated: {
    happened: 'The request has no credential, or the credential is malformed, unknown, revoked or expired.',
    remedy:
      'Send a valid credential as <code>Authorization: Bearer …</code>: an API key, a JWT of a registered issuer, or the operator’s token. <code>detail</code> says what is wrong with it.',
  },
  forbidden: {
    happened: 'The credential is valid, but the caller may not do this, or the tenant is suspended.',
    remedy: 'Use an API key with the scope that the operation names. App users need a role that allows it.',
  },
  banned: {
    happened:
      'A ban covers the user. <code>until</code> is the end of the ban, and null if it has none. <code>reason</code> is the text of the moderator, if they gave one.',
    remedy: 'Tell the user. A moderator can lift the ban.',
  },
  not_found: {
    happened: 'The thing does not exist, was deleted, or belongs to another tenant. The answer does not tell which.',
    remedy: 'Check the id in the path, and the tenant of the credential.',
  },
  conflict: {
    happened: 'The request does not fit the present state of the thing.',
    remedy:
      'Read the thing, and decide again. If <code>detail</code> says that the first request with an <code>Idempotency-Key</code> is still running, send the same request again a second later.',
  },
  space_full: {
    happened: 'The number of users with an unexpired token has reached the capacity of the space.',
    remedy: 'Try again when tokens of other users have expired, or raise the capacity.',
  },
  space_closed: {
    happened:
      'Nobody gets tokens for the space, because it is closed, or only moderators get them, because it is frozen.',
    remedy: 'Try again after the space was opened or unfrozen.',
  },
  idempotency_mismatch: {
    happened: 'An earlier request with this <code>Idempotency-Key</code> had another body.',
    remedy: 'Use a new key for a new request. Use the same key only to repeat the same request.',
  },
  payload_too_large: {
    happened: 'The body is larger than 64 KiB.',
    remedy: 'Send a smaller body.',
  },
  rate_limited: {
    happened:
      'The user has asked for more tokens than they may get in a minute. Or too many requests of the tenant wait for Amazon IVS, or have failed there.',
    remedy: 'Wait for the number of seconds in <code>Retry-After</code>, and try again.',
  },
  quota_exceeded: {
    happened: 'A quota of the service or of the AWS account is used up. <code>detail</code> says which.',
    remedy: 'Delete things that are no longer needed, or ask AWS to raise the quota.',
  },
  ivs_rejected: {
    happened:
      'Amazon IVS has refused a call of the service, or its answer lacks something. The cause can be the IAM policy, or a stage or room that was deleted at IVS.',
    remedy: '<code>detail</code> says what IVS has refused. Correct the AWS account or the space, and try again.',
  },
  ivs_unavailable: {
    happened: 'Amazon IVS does not answer, or limits the rate of calls.',
    remedy: 'Wait for the number of seconds in <code>Retry-After</code>, and try again.',
  },
  unavailable: {
    happened:
      'The service cannot do this now, for example because its database or the keys of an issuer do not answer.',
    remedy: 'Wait for the number of seconds in <code>Retry-After</code>, and try again.',
  },
  internal: {
    happened: 'The service has a fault. Its log has the reason, with the id of the request.',
    remedy: 'Report the problem, and name the <code>requestId</code>.',
  },
};

function problemsPage(): string {
  const rows = Object.entries(explanations).map(([code, { happened, remedy }]) => {
    const { status } = problemKinds[code as ProblemCode];
    return `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${happened}</td><td>${remedy}</td></tr>`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Stagedoor: problem codes</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
  table { border-collapse: collapse; width: 100% }
  code { overflow-wrap: anywhere }
  td, th { text-align: left; padding: .4rem .3rem; border-bottom: 1px solid #8884; vertical-align: top }
  tr:target { background: #fd64 }
</style>
<h1>Problem codes</h1>
<p>The body of every failure is an <a href="https://www.rfc-editor.org/rfc/rfc9457">RFC 9457</a> document with one of these
codes. Its <code>detail</code> says what has happened in this case. Name the <code>requestId</code> when you report a
problem. Some answers have another status than that of their code: an <code>invalid_request</code> can be 408, 414, 415 or
431.</p>
<table>
<tr><th>code<th>status<th>what has happened<th>what to do</tr>
${rows.join('\n')}
</table>
</html>
`;
}
