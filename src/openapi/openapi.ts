import { readFileSync } from 'node:fs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';
import { ingestHeader } from '../auth/ingest-secret.ts';
import { cookieName } from '../console/session-cookie.ts';
import { problemSchema } from '../http/problem.schema.ts';
import { describeOperations } from './operations.ts';
import { describeWebhooks } from './webhooks.ts';
import { headers } from './headers.ts';
import { describeSchema, describeSchemas, type Schema } from './schemas.ts';

const conventions = `Stagedoor decides who may enter which Amazon IVS stage and chat room, with which role, and for how long. It vends the
tokens, and it removes people again.

**Bodies** are JSON in UTF-8 of at most 64 KiB. Unknown fields are refused. Times are ISO 8601 in UTC. Later versions may
add fields to answers.

**Failures** are RFC 9457 problem documents. Each has one of a closed list of codes, which [/docs/problems](/docs/problems)
explains. A thing of another tenant gets the same answer as one that does not exist: \`not_found\`.

**Lists** take \`limit\` and \`cursor\`, and answer with \`data\` and \`nextCursor\`. A cursor that cannot be of the list gets a 400.

**Writes** take an \`Idempotency-Key\`. Repeat a write with the same key if its answer was lost. The change is made once, and the repeated request gets the first answer. If the service had no time to store that, it gets the answer as it was when the change was recorded: an action may still say \`pending\` then. A new secret is shown once: the repeated request is refused, and names what was made.

**Headers**: every 429 and 503 has a \`Retry-After\`. Every answer has an \`x-request-id\`. You can choose it: send an
\`x-request-id\` of 8 to 128 letters, digits, dots, dashes or underscores. One that looks like a credential is not used.`;

/** The groups of routes, and their descriptions. */
const tags: Record<string, string> = {
  Tenants: 'The customers of the deployment. Only its operator uses these routes.',
  'API keys': 'The credentials of a tenant. Each has scopes. Only the answer that creates a key shows it.',
  Settings: 'What a tenant settles for itself: for how long its data is kept, and what its moderators are offered.',
  Issuers: 'A tenant accepts JWTs of these issuers, so that its users can call the API themselves.',
  Roles:
    'A role decides what a user may do on the stage and in the chat room, for how long, and with which attributes.',
  Spaces: 'A space is what users join. It has an IVS stage, an IVS Chat room, or both.',
  Members: 'A member is a user with a role in a space.',
  Joining: 'Tokens for the stage and the chat room. Every request runs all admission checks.',
  Grants:
    'A grant records one token: who got it, for what, and until when. It never contains the token. All grants together are the ledger.',
  Moderation:
    'Moderators disconnect users, delete messages, revoke grants and freeze spaces. The service records each action first, and repeats its calls to IVS until they hold.',
  Sessions:
    'A session of a stage begins with the first who joins, and ends when everybody has left. Its participants are known some seconds after they came and left.',
  Privacy: 'What is on record about a person is erased here. What remains is listed.',
  Bans: 'A ban refuses tokens to a user, in one space or in the whole tenant.',
  'Signing keys': 'With a signing key, the service signs stage tokens itself, without a call to IVS.',
  Webhooks:
    'An endpoint of a tenant gets each event by POST, signed as Standard Webhooks says. It gets each at least once.',
  Quotas: 'Tenants may share an AWS account, and so the rates at which Amazon IVS takes calls.',
  Audit: 'The audit log records every change: who made it, and when. Hashes chain its entries.',
  Events:
    'What happened, in order: a list and a stream that skip nothing. Events are kept for a time that the operator sets, 30 days by default.',
  Ingest: 'Amazon EventBridge sends the events of IVS here. No client calls these routes.',
  Console:
    'A person signs in to the console at /console, and their browser gets a session: a cookie that stands for their credential.',
  Health: 'Routes for load balancers and Prometheus.',
  Checks: 'What is wrong with a deployment, and what to do about it. `stagedoor doctor` shows it.',
};

/** The fields of package.json that the document repeats. The file is two folders above src/openapi and dist/openapi. */
const packageJson = z
  .object({ version: z.string(), license: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')));

/** Describes the API as an OpenAPI 3.1 document. It is made from the routes and their schemas. */
export function openApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const bearer = (description: string) => ({ type: 'http', scheme: 'bearer', description }) as const;
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Stagedoor')
    .setVersion(packageJson.version)
    .setDescription(conventions)
    .addServer('/', 'The service that serves this document.')
    .addSecurity('operator', bearer('The operator’s token, which is a setting of the deployment.'))
    .addSecurity(
      'apiKey',
      bearer(
        'An API key of the tenant, `sk_…`. It needs the scope that the operation names, or `*`. `moderation:write` includes `moderation:read`.',
      ),
    )
    .addSecurity('user', {
      ...bearer('A JWT of an issuer that the tenant has registered. The user’s role decides what they may do.'),
      bearerFormat: 'JWT',
    })
    .addSecurity('session', {
      type: 'apiKey',
      in: 'cookie',
      name: cookieName,
      description: 'A session of the console. It may do what the credential may that the person has signed in with.',
    });
  config.addSecurity('eventBridge', {
    type: 'apiKey',
    in: 'header',
    name: ingestHeader,
    description: 'The secret of IVS_EVENTS_SECRET, which an API destination of EventBridge sends.',
  });
  for (const [name, description] of Object.entries(tags)) config.addTag(name, description);
  const document = SwaggerModule.createDocument(app, config.build(), {
    autoTagControllers: false,
    operationIdFactory: operationId,
    standardSchemaConverter: (schema, { schemaType }) =>
      schema instanceof z.ZodType ? convert(schema, schemaType) : undefined,
  });
  // OpenAPI 3.1 has `identifier`; the types of Nest are those of 3.0.
  document.info.license = { name: packageJson.license, identifier: packageJson.license } as never;
  document.components ??= {};
  document.components.headers = headers;
  document.components.schemas = { ...document.components.schemas, ...convert(problemSchema, 'output').components };
  describeOperations(document);
  const { webhooks, components } = describeWebhooks((schema) => convert(schema, 'output'));
  Object.assign(document.components.schemas, components);
  document.components.schemas = describeSchemas(document.components.schemas);
  // OpenAPI 3.1 has `webhooks`; the types of Nest are those of 3.0.
  return Object.assign(document, { webhooks });
}

/** The text of `openapi.json`. */
export function openApiText(document: OpenAPIObject): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Methods named by a verb alone get the name of the thing too: `create` of `SpacesController` becomes `createSpace`. */
const verbs: Record<string, string> = {
  list: 'list',
  create: 'create',
  get: 'get',
  update: 'update',
  put: 'put',
  remove: 'delete',
  revoke: 'revoke',
  rotate: 'rotate',
  kill: 'kill',
  lift: 'lift',
};

function operationId(controller: string, method: string): string {
  const verb = verbs[method];
  const things = controller.replace(/Controller$/, '');
  if (verb === undefined) return method;
  return `${verb}${verb === 'list' ? things : things.replace(/s$/, '')}`;
}

/** Converts a zod schema. Schemas with an id become components; the schema refers to them. */
function convert(schema: z.ZodType, io: 'input' | 'output'): { schema: Schema; components: Record<string, Schema> } {
  const json = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io,
    reused: 'inline',
    override: ({ jsonSchema, zodSchema }) => describeSchema(jsonSchema, zodSchema, io),
  });
  const text = JSON.stringify(json).replaceAll('"#/$defs/', '"#/components/schemas/');
  const {
    $schema: _,
    $defs: components = {},
    ...rest
  } = JSON.parse(text) as Schema & { $defs?: Record<string, Schema> };
  return { schema: rest, components };
}
