import type { OpenAPIObject } from '@nestjs/swagger';
import { type ProblemCode, problemKinds } from '../errors.ts';
import { problemCodes } from '../http/endpoint.ts';
import { problemSchema } from '../http/problem.schema.ts';
import { onEvery, onLimited, onRetry, onUnauthenticated } from './headers.ts';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Response = NonNullable<Exclude<Operation['responses'][string], { $ref: string }>>;

const methods = ['get', 'put', 'post', 'delete', 'patch'] as const;

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header' as const,
  required: false,
  description:
    'Kept for 24 hours: the same key and body get the first answer again, another body a 409. Tokens are minted anew.',
  schema: { type: 'string' as const, minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
};

/** Completes each operation by what holds for all of its kind: its failures, its headers, its `Idempotency-Key`. */
export function describeOperations(document: OpenAPIObject): void {
  const shared: Record<string, Response> = {};
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of methods) {
      const operation = item[method];
      if (!operation) continue;
      const isWrite = method !== 'get' && path.startsWith('/v1/');
      if (isWrite) operation.parameters = [...(operation.parameters ?? []), idempotencyKey];
      const codes = takeCodes(operation, isWrite);
      describeBody(operation);
      describeAnswers(operation, codes.includes('rate_limited'));
      for (const [status, name, response] of failures(operation, codes)) {
        shared[name] = response;
        operation.responses[status] ??= { $ref: `#/components/responses/${name}` };
      }
    }
  }
  document.components ??= {};
  document.components.responses = Object.fromEntries(
    Object.entries(shared).sort(([one], [other]) => one.localeCompare(other, 'en')),
  );
}

/** Every code the operation can fail with: those its route declares, and those that come with what it is. */
function takeCodes(operation: Operation, isWrite: boolean): ProblemCode[] {
  const declared = operation as unknown as Record<typeof problemCodes, ProblemCode[] | undefined>;
  const codes = declared[problemCodes] ?? [];
  delete declared[problemCodes];
  if (isWrite) codes.push('conflict', 'idempotency_mismatch');
  if (operation.requestBody) codes.push('payload_too_large');
  const known = Object.keys(problemKinds) as ProblemCode[];
  return known.filter((code) => codes.includes(code));
}

/** A body with a default need not be sent. */
function describeBody(operation: Operation): void {
  const body = operation.requestBody;
  if (!body || '$ref' in body) return;
  const schema = body.content['application/json']?.schema;
  if (schema && 'default' in schema) body.required = false;
}

function describeAnswers(operation: Operation, isLimited: boolean): void {
  for (const [status, response] of Object.entries(operation.responses)) {
    if (!response || '$ref' in response) continue;
    response.headers = { ...onEvery, ...(status === '503' && onRetry), ...(isLimited && onLimited) };
  }
}

/** Status, name among the components, and answer of each way to fail. */
function* failures(operation: Operation, codes: ProblemCode[]): Iterable<[string, string, Response]> {
  for (const [status, same] of Map.groupBy(codes, (code) => problemKinds[code].status)) {
    const what = same.map((code) => `\`${code}\`: ${problemKinds[code].title}.`).join(' ');
    yield [String(status), same.map(pascalCase).join('Or'), failure(status, what, same)];
  }
  if (!operation.requestBody) return;
  yield ['415', 'UnsupportedMediaType', failure(415, '`invalid_request`: The body is not JSON.', ['invalid_request'])];
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
        schema: { $ref: `#/components/schemas/${problemSchema.name}` },
        examples: Object.fromEntries(codes.map((code) => [code, { value: example(code, status) }])),
      },
    },
  };
}

function example(code: ProblemCode, status: number): object {
  const { title } = problemKinds[code];
  return {
    type: `/docs/problems#${code}`,
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
