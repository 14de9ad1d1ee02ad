/** The OpenAPI document is part of the product. These tests compare it with the code, and with what customers need. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { load } from 'js-yaml';
import { z } from 'zod';
import { assemble } from '../src/app.ts';
import { Settings } from '../src/config.ts';
import { problemKinds } from '../src/errors.ts';
import { openApiDocument, openApiText } from '../src/openapi/openapi.ts';
import './support/secret-search.ts';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

const root = path.resolve(import.meta.dirname, '..');
const committed = readFileSync(path.join(root, 'openapi.json'), 'utf8');

let app: NestFastifyApplication;
let document: OpenAPIObject;
let operations: [name: string, operation: Operation][];

/** No database listens at this address: describing the API must not need one. */
const settings = Settings.from({
  DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none',
  STAGEDOOR_OPERATOR_TOKEN: 'operator-token-of-the-tests-0123456789',
  STAGEDOOR_MASTER_KEY: Buffer.from('stagedoor master key of the test').toString('base64'),
  AWS_REGION: 'us-east-1',
  LOG_LEVEL: 'silent',
});

beforeAll(async () => {
  app = await assemble(settings);
  document = openApiDocument(app);
  operations = Object.entries(document.paths).flatMap(([at, item]) =>
    Object.entries(item)
      .filter(([method]) => /^(get|put|post|patch|delete)$/.test(method))
      .map(([method, operation]) => [`${method.toUpperCase()} ${at}`, operation as Operation] as const)
      .map(([name, operation]): [string, Operation] => [name, operation]),
  );
});

afterAll(async () => {
  await app.close();
});

/** The operations in which `wrong` finds a fault, with the fault. */
function faults(wrong: (operation: Operation, name: string) => string | string[] | false | undefined): string[] {
  return operations.flatMap(([name, operation]) => {
    const found = wrong(operation, name);
    return found === undefined || found === false ? [] : [`${name}: ${[found].flat().join(', ')}`];
  });
}

test('openapi.json is the document of the present code (`npm run openapi` writes it)', () => {
  expect(openApiText(document) === committed ? 'as the code has it' : 'out of date').toBe('as the code has it');
});

test('the document has the version of the package', () => {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
  expect(document.info.version).toBe(version);
});

test('the running service serves the same document', async () => {
  const answer = await fastify().inject({ method: 'GET', url: '/openapi.json' });
  expect(openApiText(answer.json())).toBe(openApiText(document));
});

test('the document in YAML is the same document', async () => {
  const { body } = await fastify().inject({ method: 'GET', url: '/openapi.yaml' });
  expect(load(body)).toEqual(JSON.parse(openApiText(document)));
});

test('the document is written once, not for each request', async () => {
  const urls = ['/openapi.json', '/openapi.yaml'];
  await Promise.all(urls.map((url) => fastify().inject({ method: 'GET', url })));
  const written: string[] = [];
  const isDocument = (value: unknown) => typeof value === 'object' && value !== null && 'openapi' in value;
  const spies = [
    jest.spyOn(JSON, 'stringify').mockName('JSON.stringify'),
    jest.spyOn(Object, 'keys').mockName('Object.keys'),
  ];
  for (const url of urls) {
    for (let n = 0; n < 5; n++) expect((await fastify().inject({ method: 'GET', url })).statusCode).toBe(200);
  }
  for (const spy of spies) {
    if (spy.mock.calls.some(([value]) => isDocument(value))) written.push(spy.getMockName());
    spy.mockRestore();
  }
  expect(written).toEqual([]);
});

test.each(['/openapi.json', '/openapi.yaml'])('a client that has %s gets 304', async (url) => {
  const { headers } = await fastify().inject({ method: 'GET', url });
  const etag = String(headers.etag);
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
    const answer = await fastify().inject({ method: 'GET', url, headers: { 'if-none-match': known } });
    expect([answer.statusCode, answer.body]).toEqual([304, '']);
  }
  const other = await fastify().inject({ method: 'GET', url, headers: { 'if-none-match': '"other"' } });
  expect(other.statusCode).toBe(200);
});

test('every route of the service is described, and nothing is described that is not there', () => {
  // Pages for people, the redirects that they sign in by, and the document itself are not part of the API; HEAD comes with GET.
  const own = /^\/((docs|openapi\.(json|yaml))(\/|\*|$)|console(\/assets)?\/?\*?$|console\/sign-in(\/callback)?$)/;
  const routes = fastify()
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap(routesOfLine)
    .filter(([method, url]) => method !== 'HEAD' && method !== 'OPTIONS' && !own.test(url))
    .map(([method, url]) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
  expect(routes.length).toBeGreaterThan(20);
  expect(routes.sort()).toEqual(operations.map(([name]) => name).sort());
});

/** Fastify prints one indented line for each piece of a path: `│   ├── /:spaceId (GET, PATCH)`. */
const pieces: string[] = [];
function routesOfLine(line: string): [method: string, url: string][] {
  const found = /^([\s│├└─]*?)(?:├──|└──) (\S*)(?: \((.+)\))?$/.exec(line);
  if (!found) return [];
  const [, indent = '', piece = '', methods = ''] = found;
  pieces.splice(indent.length / 4, Infinity, piece);
  const url = pieces.join('').replace(/(?<=.)\/$/, '');
  return methods.split(', ').flatMap((method) => (method === '' ? [] : [[method, url]]));
}

function fastify(): FastifyInstance {
  return app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
}

test('every operation says who may call it', () => {
  const schemes = Object.keys(document.components?.securitySchemes ?? {});
  expect(
    faults(({ security, description = '' }, name) => {
      if (!/Callers: \S/.test(description)) return 'the description names no callers';
      if (!security) return 'no security';
      if (security.length === 0 && name.includes('/v1/')) return 'open to everybody';
      return security.flatMap((one) => Object.keys(one)).find((scheme) => !schemes.includes(scheme));
    }),
  ).toEqual([]);
  for (const [, { security = [] }] of operations) {
    for (const { apiKey } of security)
      if (apiKey) expect(apiKey).toEqual([expect.stringMatching(/^([a-z]+:[a-z]+|\*)$/)]);
  }
});

test('every operation has a unique name, a summary, and a group with a description', () => {
  const groups = new Map((document.tags ?? []).map(({ name, description }) => [name, description]));
  expect(faults(({ summary }) => !summary && 'no summary')).toEqual([]);
  expect(faults(({ operationId = '' }) => !/^[a-z]+[A-Z][A-Za-z]+$/.test(operationId) && operationId)).toEqual([]);
  expect(new Set(operations.map(([, { operationId }]) => operationId)).size).toBe(operations.length);
  expect(faults(({ tags = [] }) => (tags.length === 1 && groups.get(tags[0] ?? '') ? undefined : tags))).toEqual([]);
  const used = new Set(operations.flatMap(([, { tags = [] }]) => tags));
  expect([...groups.keys()].filter((name) => !used.has(name))).toEqual([]);
});

test('every write has a body, and every parameter has a type and a description', () => {
  expect(
    faults(({ requestBody }, name) => {
      if (!/^(POST|PUT|PATCH) /.test(name)) return undefined;
      if (!requestBody || '$ref' in requestBody) return 'no body';
      return !requestBody.content['application/json']?.schema && 'no schema';
    }),
  ).toEqual([]);
  expect(
    faults(({ parameters = [] }, name) => {
      const named = [...name.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const inPath = parameters.flatMap((one) => ('in' in one && one.in === 'path' ? [one.name] : []));
      if (named.join() !== inPath.join()) return `path parameters: ${inPath.join()}`;
      const bare = parameters.find(
        (one) => !('in' in one && one.description && one.schema && ('type' in one.schema || '$ref' in one.schema)),
      );
      return bare && 'name' in bare && `${bare.name} lacks a description or a type`;
    }),
  ).toEqual([]);
});

test('every operation under /v1 says how it succeeds, how it fails, and with which headers', () => {
  const always = ['400', '401', '403', '500', '503'];
  expect(
    faults(({ responses, requestBody }, name) => {
      if (!name.includes('/v1/')) return undefined;
      const statuses = Object.keys(responses);
      const wanted = [
        ...always,
        ...(name.startsWith('GET') ? [] : ['409']),
        ...(requestBody ? ['413', '415'] : []),
        // A user is whoever the tenant names, so none is unknown.
        ...(/\{(?!userId)\w+Id\}/.test(name) ? ['404'] : []),
      ];
      if (!statuses.some((status) => /^20[0124]$/.test(status))) return 'no success';
      const missing = wanted.filter((status) => !statuses.includes(status));
      return missing.length > 0 && `lacks ${missing.join(', ')}`;
    }),
  ).toEqual([]);
  expect(
    faults(({ responses }) => {
      const missing = Object.entries(responses).flatMap(([status, response]) => {
        const headers = Object.keys(resolved(response).headers ?? {});
        const wanted = ['x-request-id', ...(status === '429' || status === '503' ? ['Retry-After'] : [])];
        return wanted.filter((header) => !headers.includes(header)).map((header) => `${status} without ${header}`);
      });
      return missing.length > 0 && missing;
    }),
  ).toEqual([]);
});

test('every failure is a problem document, and names the codes it can have', () => {
  expect(
    faults(({ responses }) => {
      const bad = Object.entries(responses).filter(([status, response]) => {
        if (!response || !('$ref' in response)) return Number(status) >= 400 && status !== '503';
        const { description, content = {} } = resolved(response);
        const examples = content['application/problem+json']?.examples ?? {};
        return !Object.keys(examples).every((code) => code in problemKinds && description.includes(`\`${code}\``));
      });
      return bad.length > 0 && bad.map(([status]) => status);
    }),
  ).toEqual([]);
  expect(schemas()['ProblemCode']?.['enum']).toEqual(Object.keys(problemKinds));
});

test('answers allow unknown fields, so that later versions may add some, and bodies of requests refuse them', () => {
  const inputs = /(Request|Input)$/;
  const closed = Object.entries(schemas()).filter(([, schema]) => schema['additionalProperties'] === false);
  expect(closed.map(([name]) => name).filter((name) => !inputs.test(name))).toEqual([]);
  const requests = Object.entries(schemas()).filter(([name]) => inputs.test(name));
  expect(requests.length).toBeGreaterThan(15);
  for (const [, schema] of requests) expect(schema).toMatchObject({ additionalProperties: false });
});

test('every body of a request or an answer is a named schema with an example', () => {
  expect(
    faults(({ requestBody, responses }) => {
      const contents = [
        ...(requestBody && 'content' in requestBody ? [requestBody.content] : []),
        ...Object.values(responses).flatMap((response) => resolved(response).content ?? []),
      ];
      const bad = contents.flatMap((content) =>
        Object.entries(content).flatMap(([type, { schema }]) => {
          if (type === 'text/plain') return [];
          const name = /^#\/components\/schemas\/(\w+)$/.exec(schema?.['$ref'] ?? '')?.[1] ?? '';
          return Array.isArray(schemas()[name]?.['examples']) ? [] : [`${type} ${name || 'without a name'}`];
        }),
      );
      return bad.length > 0 && bad;
    }),
  ).toEqual([]);
});

test('an object inside of a schema is a named schema too, so that generated clients have a type for it', () => {
  const anonymous = Object.entries(schemas()).flatMap(([name, schema]) =>
    Object.entries((schema['properties'] ?? {}) as Record<string, object>)
      .filter(([, property]) => /"properties":/.test(JSON.stringify(property)))
      .map(([property]) => `${name}.${property}`),
  );
  expect(anonymous).toEqual([]);
});

test('a field with a default is no required field in generated clients', () => {
  const named = Object.entries(schemas()).filter(([, schema]) => JSON.stringify(schema).includes('"default":'));
  expect(named.map(([name]) => name)).toEqual([]);
});

test('every example is valid by the document', () => {
  const $defs = JSON.parse(JSON.stringify(schemas()).replaceAll('#/components/schemas/', '#/$defs/')) as Schemas;
  const examples = Object.entries($defs).flatMap(([name, schema]) =>
    ((schema['examples'] ?? []) as unknown[]).map((example) => ({ name, schema, example })),
  );
  expect(examples.length).toBeGreaterThan(60);
  for (const { name, schema, example } of examples) {
    const { error } = z.fromJSONSchema({ ...schema, $defs }).safeParse(example);
    expect(`${name}: ${error?.message ?? 'valid'}`).toBe(`${name}: valid`);
  }
});

test('every example is valid by the code, and examples of answers hold no unknown field', async () => {
  const files = globSync('src/**/*.{schema,schemas}.ts', { cwd: root });
  const modules = await Promise.all(files.map((file) => import(path.join(root, file)) as Promise<object>));
  const found = modules.flatMap((module) => Object.values(module).flatMap(describedSchema));
  expect(found.length).toBeGreaterThan(40);
  for (const { schema, id, examples } of found) {
    for (const example of examples) {
      const { data, error } = schema.safeParse(example);
      expect(`${id}: ${error?.message ?? 'valid'}`).toBe(`${id}: valid`);
      if (!id.endsWith('Request')) expect(data).toEqual(example);
    }
  }
});

type Schemas = Record<string, Record<string, unknown>>;

function schemas(): Schemas {
  return (document.components?.schemas ?? {}) as Schemas;
}

/** A schema with an id and examples, or none; that inside of a body with a default. */
function describedSchema(value: unknown): { schema: z.ZodType; id: string; examples: unknown[] }[] {
  if (!(value instanceof z.ZodType)) return [];
  if (value instanceof z.ZodDefault || value instanceof z.ZodPrefault) return describedSchema(value.unwrap());
  const { id, examples } = (value.meta() ?? {}) as { id?: string; examples?: unknown[] };
  return id !== undefined && examples ? [{ schema: value, id, examples }] : [];
}

function resolved(response: Operation['responses'][string]): {
  description: string;
  headers?: Record<string, unknown>;
  content?: Record<string, { schema?: { $ref?: string }; examples?: Record<string, unknown> }>;
} {
  if (response && '$ref' in response) {
    return resolved(document.components?.responses?.[response.$ref.split('/').at(-1) ?? '']);
  }
  return response as ReturnType<typeof resolved>;
}
