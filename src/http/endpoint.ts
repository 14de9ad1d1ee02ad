import { applyDecorators, HttpCode } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { type ProblemCode, problemKinds } from '../errors.ts';
import { type Access, AllowedTo } from './access.ts';
import { problemSchema } from './problem.schema.ts';

/** What a route promises. From this come its access rule, its status and its part of the OpenAPI document. */
export interface EndpointOptions {
  /** A few words, in the imperative. */
  summary: string;
  /** What a user of the API should know that the schemas do not say. */
  description?: string;
  tag: string;
  access: Access;
  /** Status and shape of success; `null` for an answer without a body. The first is the default status. */
  answers: Record<number, z.ZodType | null>;
  /** Problem codes beyond those any such route may answer. */
  problems?: ProblemCode[];
}

/** Declares a route: who may call it, what it answers, and how it fails. */
export function Endpoint(options: EndpointOptions): MethodDecorator {
  const { access } = options;
  const [status] = Object.keys(options.answers).map(Number);
  return applyDecorators(
    AllowedTo(access),
    HttpCode(status ?? 200),
    ApiTags(options.tag),
    ApiOperation({ summary: options.summary, description: describe(options) }),
    ...('public' in access ? [] : [ApiBearerAuth(securityOf(access))]),
    ...Object.entries(options.answers).map(([code, schema]) =>
      ApiResponse({
        status: Number(code),
        description: schema === null ? 'Done.' : 'As asked.',
        ...(schema && { standardSchema: schema }),
      }),
    ),
    ...problemResponses(problemsOf(options)),
  );
}

function describe({ access, description }: EndpointOptions): string {
  const who =
    'public' in access
      ? 'Anybody.'
      : 'operator' in access
        ? 'The operator.'
        : `API keys with \`${access.scope}\`${access.users ? ', and app users' : ''}.`;
  return `${description ? `${description}\n\n` : ''}Callers: ${who}`;
}

function securityOf(access: Exclude<Access, { public: true }>): string {
  if ('operator' in access) return 'operator';
  return access.users ? 'apiKeyOrUser' : 'apiKey';
}

function problemsOf({ access, problems = [] }: EndpointOptions): ProblemCode[] {
  const always: ProblemCode[] = ['invalid_request', 'internal', 'unavailable'];
  if (!('public' in access)) always.push('unauthenticated', 'forbidden');
  return [...new Set([...always, ...problems])];
}

function problemResponses(codes: ProblemCode[]): MethodDecorator[] {
  const byStatus = Map.groupBy(codes, (code) => problemKinds[code].status);
  return [...byStatus].map(([status, sameStatus]) =>
    ApiResponse({
      status,
      description: sameStatus.map((code) => `\`${code}\`: ${problemKinds[code].title}.`).join(' '),
      content: { 'application/problem+json': { schema: { $ref: `#/components/schemas/${problemSchema.name}` } } },
    }),
  );
}
