import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';
import { problemSchema } from '../http/problem.schema.ts';

/** The API as an OpenAPI 3.1 document, made from the routes and their schemas. */
export function openApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const bearer = (description: string) => ({ type: 'http', scheme: 'bearer', description }) as const;
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Stagedoor')
    .setVersion('1')
    .setDescription(
      'Decides who may enter which Amazon IVS stage and chat room, as what and for how long; hands out the tokens, and gets people out again.',
    )
    .setLicense('All rights reserved', '/docs')
    .addServer('/')
    .addBearerAuth(bearer('The operator’s token, from the deployment’s settings.'), 'operator')
    .addBearerAuth(bearer('A tenant’s API key, `sk_…`.'), 'apiKey')
    .addBearerAuth(bearer('A tenant’s API key, or a JWT of an issuer the tenant registered.'), 'apiKeyOrUser')
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (controller, method) => `${method}${controller.replace(/Controller$/, '')}`,
    standardSchemaConverter: (schema, { schemaType }) =>
      schema instanceof z.ZodType ? convert(schema, schemaType) : undefined,
  });
  document.components ??= {};
  document.components.schemas ??= {};
  Object.assign(document.components.schemas, { [problemSchema.name]: convert(problemSchema.schema, 'output').schema });
  describeWrites(document);
  return document;
}

function convert(schema: z.ZodType, io: 'input' | 'output') {
  const { $schema: _, $defs, ...json } = z.toJSONSchema(schema, { target: 'draft-2020-12', io, reused: 'inline' });
  return { schema: json, components: $defs ?? {} };
}

/** What holds for every write under /v1. */
function describeWrites(document: OpenAPIObject): void {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of ['post', 'put', 'patch', 'delete'] as const) {
      const operation = item[method];
      if (!operation || !path.startsWith('/v1/')) continue;
      operation.parameters = [
        ...(operation.parameters ?? []),
        {
          name: 'Idempotency-Key',
          in: 'header',
          required: false,
          description: 'Kept for 24 hours: the same key and body get the first answer again. Tokens are minted anew.',
          schema: { type: 'string', maxLength: 255 },
        },
      ];
    }
  }
}
