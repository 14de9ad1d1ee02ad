import type { OpenAPIObject } from '@nestjs/swagger';
import { tenantHeader } from '../auth/place.ts';
import { type ProblemCode, problemKinds } from '../errors.ts';
import { problemCodes } from '../http/endpoint.ts';
import { onEvery, onLimited, onRetry, onUnauthenticated } from './headers.ts';
import { type Schema, withExamples } from './schemas.ts';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Response = NonNullable<Exclude<Operation['responses'][string], { $ref: string }>>;

const methods = ['get', 'put', 'post', 'delete', 'patch'] as const;

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header' as const,
  required: false,
  description:
    'Makes a write safe to repeat for 24 hours. The same key with the same body gets the first answer again. The same key with another body gets a 409. Routes that vend tokens run all checks again and make new tokens.',
  example: '8f1f3c0a-6d5e-4a53-b0d4-0a4f6a2d9c1e',
  schema: { type: 'string' as const, minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
};

const tenantOfUser = {
  name: tenantHeader,
  in: 'header' as const,
  required: false,
  description:
    'For app users whose JWT is good for several tenants: the slug or the id of the tenant that the request is about. Where the request names a space, the owner of the space counts without it.',
  example: 'acme',
  schema: { type: 'string' as const, minLength: 1, maxLength: 64, pattern: '^[a-z0-9_-]+$' },
};

/** Adds to each operation what all operations of its kind have: failures, headers, `Idempotency-Key`. */
export function describeOperations(document: OpenAPIObject): void {
  const shared: Record<string, Response> = {};
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of methods) {
      const operation = item[method];
      if (!operation) continue;
      const isWrite = method !== 'get' && path.startsWith('/v1/');
      const isForUsers = operation.security?.some((one) => 'user' in one) ?? false;
      if (isForUsers) operation.parameters = [...(operation.parameters ?? []), tenantOfUser];
      if (isWrite) operation.parameters = [...(operation.parameters ?? []), idempotencyKey];
      const codes = takeCodes(operation, isWrite);
      describeParameters(operation);
      describeBody(operation);
      describeAnswers(operation, isLimited(operation, codes));
      for (const [status, name, response] of failures(operation, codes)) {
        shared[name] = response;
        operation.responses[status] ??= { $ref: `#/components/responses/${name}` };
      }
    }
  }
  document.components ??= {};
  document.components.schemas = { ...document.components.schemas, CsvFile: csvFile };
  document.components.responses = Object.fromEntries(
    Object.entries(shared).sort(([one], [other]) => one.localeCompare(other, 'en')),
  );
}

/** Whether answers say how much the caller has left. The operator and strangers have no such limit. */
function isLimited({ security = [] }: Operation, codes: ProblemCode[]): boolean {
  return codes.includes('rate_limited') && security.some((one) => 'apiKey' in one || 'user' in one || 'session' in one);
}

/** All codes of an operation: those that its route declares, and those of every operation of its kind. */
function takeCodes(operation: Operation, isWrite: boolean): ProblemCode[] {
  const declared = operation as unknown as Record<typeof problemCodes, ProblemCode[] | undefined>;
  const codes = declared[problemCodes] ?? [];
  delete declared[problemCodes];
  if (isWrite) codes.push('conflict', 'idempotency_mismatch');
  if (operation.requestBody) codes.push('payload_too_large');
  const known = Object.keys(problemKinds) as ProblemCode[];
  return known.filter((code) => codes.includes(code));
}

/** Nest writes the description of a parameter into its schema too. It stands in the document once. */
function describeParameters(operation: Operation): void {
  for (const parameter of operation.parameters ?? []) {
    if (!('schema' in parameter) || !parameter.schema) continue;
    const { description, ...schema } = withExamples(parameter.schema as Schema);
    parameter.schema = description === parameter.description ? schema : { ...schema, description };
  }
}

/** A body with a default is optional. The default itself says nothing: all its fields have their own. */
function describeBody(operation: Operation): void {
  const body = operation.requestBody;
  if (!body || '$ref' in body) return;
  const schema = body.content['application/json']?.schema;
  if (!schema || !('default' in schema)) return;
  body.required = false;
  delete schema.default;
}

function describeAnswers(operation: Operation, isLimited: boolean): void {
  for (const [status, response] of Object.entries(operation.responses)) {
    if (!response || '$ref' in response) continue;
    describeFile(response);
    response.headers = { ...onEvery, ...(status === '503' && onRetry), ...(isLimited && onLimited) };
  }
}

/** Nest gives all kinds of answers of a route one schema. A file is text. */
function describeFile(response: Response): void {
  const { content } = response;
  if (content?.['text/csv']) content['text/csv'] = { schema: { $ref: '#/components/schemas/CsvFile' } };
}

/** The schema of a file. */
const csvFile = {
  type: 'string' as const,
  description: 'One line for each entry (RFC 4180), and a first line with the names of the columns.',
  examples: ['userId,seconds\r\nuser-42,3600\r\n'],
};

/** The failures of an operation: HTTP status, name of the component, and answer. Codes with one status share an answer. */
function* failures(operation: Operation, codes: ProblemCode[]): Iterable<[string, string, Response]> {
  for (const [status, same] of Map.groupBy(codes, (code) => problemKinds[code].status)) {
    const what = same.map((code) => `\`${code}\`: ${problemKinds[code].title}.`).join(' ');
    yield [String(status), same.map(pascalCase).join('Or'), failure(status, what, same)];
  }
  if (!operation.requestBody) return;
  yield [
    '415',
    'UnsupportedMediaType',
    failure(415, '`invalid_request`: The body is not JSON, or is compressed.', ['invalid_request']),
  ];
}

function failure(status: number, description: string, codes: ProblemCode[]): Response {
  return {
    description,
    headers: {
      ...onEvery,
      ...((status === 429 || status === 502 || status === 503) && onRetry),
      ...(codes.includes('rate_limited') && onLimited),
      ...(status === 401 && onUnauthenticated),
    },
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(codes.map((code) => [code, { value: example(code, status) }])),
      },
    },
  };
}

function example(code: ProblemCode, status: number): object {
  const { title } = problemKinds[code];
  return {
    type: `/docs/problems/${code}`,
    title,
    status,
    detail: `${title}.`,
    code,
    requestId: '0b9a7c52-9a4e-4a53-9d0c-0d1d6f7f4c3e',
    ...(status === 400 && { errors: [{ path: 'name', message: 'is required' }] }),
  };
}

function pascalCase(code: ProblemCode): string {
  return code.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
