import { applyDecorators, HttpCode } from '@nestjs/common';
import { ApiExtension, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import type { ProblemCode } from '../errors.ts';
import { type Access, AllowedTo } from './access.ts';

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
    ApiOperation({ summary: options.summary, description: describe(options), security: securityOf(access) }),
    ...Object.entries(options.answers).map(([code, schema]) =>
      ApiResponse({
        status: Number(code),
        description: meanings[code] ?? 'As asked.',
        ...(schema && { standardSchema: schema }),
      }),
    ),
    ApiExtension(problemCodes, problemsOf(options)),
  );
}

/** Where the problem codes of an operation stand until src/openapi/ makes its answers of them. */
export const problemCodes = 'x-problem-codes';

const meanings: Record<string, string> = {
  201: 'Made.',
  202: 'On record; its delivery to IVS goes on.',
  204: 'Done.',
};

function describe({ access, description }: EndpointOptions): string {
  const who =
    'public' in access
      ? 'Anybody.'
      : 'operator' in access
        ? 'The operator.'
        : `API keys with \`${access.scope}\`${access.users ? ', and app users' : ''}.`;
  return `${description ? `${description}\n\n` : ''}Callers: ${who}`;
}

/** One of these will do. An API key has to carry the scope that is named with it. */
function securityOf(access: Access): Record<string, string[]>[] {
  if ('public' in access) return [];
  if ('operator' in access) return [{ operator: [] }];
  return [{ apiKey: [access.scope] }, ...(access.users ? [{ user: [] }] : [])];
}

function problemsOf({ access, problems = [] }: EndpointOptions): ProblemCode[] {
  const always: ProblemCode[] = ['internal'];
  if (!('public' in access)) always.push('invalid_request', 'unauthenticated', 'forbidden', 'unavailable');
  return [...new Set([...always, ...problems])];
}
