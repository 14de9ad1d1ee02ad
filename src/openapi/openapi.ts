import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';
import { problemSchema } from '../http/problem.schema.ts';
import { describeOperations } from './operations.ts';
import { headers } from './headers.ts';

const conventions = `Decides who may enter which Amazon IVS stage and chat room, as what and for how long; hands out the tokens, and
gets people out again.

**Bodies** are JSON in UTF-8 of at most 64 KiB; unknown fields are refused. Times are ISO 8601 in UTC. Answers may gain
fields.

**Failures** are RFC 9457 problem documents with one of a closed list of codes, explained at [/docs/problems](/docs/problems).
Another tenant's thing is \`not_found\`, word for word as if it had never been.

**Lists** take \`limit\` and \`cursor\`, and answer with \`data\` and \`nextCursor\`.

**Writes** take an \`Idempotency-Key\`. **\`Retry-After\`** stands on every 429 and 503, and **\`x-request-id\`** on every answer:
your own, if you sent one of 8 to 128 letters, digits, dots, dashes or underscores.`;

/** What each group of routes is for. */
const tags: Record<string, string> = {
  Tenants: 'The customers of the deployment. For its operator.',
  'API keys': "A tenant's own credentials. Each carries scopes, and is shown once.",
  Issuers: 'Whose JWTs a tenant accepts, so that its users can call for themselves.',
  Roles: 'What a user may do on stage and in chat, for how long, and with which attributes.',
  Spaces: 'What users join: an IVS stage, an IVS Chat room, or both.',
  Members: 'Which role a user has in a space.',
  Joining: 'Tokens for the stage and the chat room. Every admission check runs each time.',
  Grants: 'The ledger: which tokens were given, to whom, and until when. Never the tokens themselves.',
  Moderation: 'Getting people out again. Each act is on record first, and repeated until it holds.',
  Bans: 'Standing refusals to one user, in a space or in the whole tenant.',
  'Signing keys': 'Key pairs to sign stage tokens with, at no call to IVS.',
  Audit: 'Who did what and when: append-only, and chained by hashes.',
  Health: 'For load balancers and Prometheus.',
};

/** The API as an OpenAPI 3.1 document, made from the routes and their schemas. */
export function openApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const bearer = (description: string) => ({ type: 'http', scheme: 'bearer', description }) as const;
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Stagedoor')
    .setVersion('1')
    .setDescription(conventions)
    .addServer('/', 'The service that answers this document.')
    .addSecurity('operator', bearer('The operator’s token, from the deployment’s settings.'))
    .addSecurity(
      'apiKey',
      bearer(
        'A tenant’s API key, `sk_…`, with the scope named beside it, or with `*`. `moderation:write` includes `moderation:read`.',
      ),
    )
    .addSecurity('user', {
      ...bearer('A JWT of an issuer the tenant registered; what the user may do is up to the user’s role.'),
      bearerFormat: 'JWT',
    });
  for (const [name, description] of Object.entries(tags)) config.addTag(name, description);
  const document = SwaggerModule.createDocument(app, config.build(), {
    autoTagControllers: false,
    operationIdFactory: operationId,
    standardSchemaConverter: (schema, { schemaType }) =>
      schema instanceof z.ZodType ? convert(schema, schemaType) : undefined,
  });
  document.info.license = { name: 'All rights reserved', identifier: 'LicenseRef-Proprietary' } as never;
  document.components ??= {};
  document.components.headers = headers;
  document.components.schemas ??= {};
  Object.assign(document.components.schemas, { [problemSchema.name]: convert(problemSchema.schema, 'output').schema });
  describeOperations(document);
  return document;
}

/** The document as `openapi.json` holds it. */
export function openApiText(document: OpenAPIObject): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Methods that are called by a bare verb say nothing without the thing: `create` of `SpacesController` is `createSpace`. */
const verbs: Record<string, string> = {
  list: 'list',
  create: 'create',
  get: 'get',
  update: 'update',
  put: 'put',
  remove: 'delete',
  revoke: 'revoke',
  rotate: 'rotate',
  lift: 'lift',
};

function operationId(controller: string, method: string): string {
  const verb = verbs[method];
  const things = controller.replace(/Controller$/, '');
  if (verb === undefined) return method;
  return `${verb}${verb === 'list' ? things : things.replace(/s$/, '')}`;
}

function convert(schema: z.ZodType, io: 'input' | 'output') {
  const {
    $schema: _,
    $defs,
    ...json
  } = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io,
    reused: 'inline',
    override: ({ jsonSchema }) => {
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern; // says the same at length
      if (io === 'input') return;
      // Answers may gain fields, and hold what there is: clients must not refuse the one nor fill in the other.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      delete jsonSchema.default;
    },
  });
  return { schema: json, components: $defs ?? {} };
}
