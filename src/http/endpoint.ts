import { applyDecorators, HttpCode } from '@nestjs/common';
import { ApiExtension, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import type { ProblemCode } from '../errors.ts';
import { type Access, AllowedTo, scopesOf } from './access.ts';

/** The declaration of a route. Its access rule, its status and its part of the OpenAPI document come from it. */
export interface EndpointOptions {
  /** A few words, in the imperative. */
  summary: string;
  /** What a customer should know and the schemas do not say. */
  description?: string;
  /** Group of the route in the OpenAPI document: one of those in openapi/openapi.ts. */
  tag: string;
  access: Access;
  /** Status and schema of each success; `null` stands for an answer without a body. The first status is the default. */
  answers: Record<number, z.ZodType | null>;
  /** What a success means, if it is not what its status says. */
  meaning?: string;
  /** Problem codes in addition to those that every route of this kind may answer. */
  problems?: ProblemCode[];
}

/** Declares a route: who may call it, what it answers and how it fails. Every route must have it. */
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
        description: options.meaning ?? descriptionOfStatus[code] ?? 'The request was carried out.',
        ...(schema && { standardSchema: schema }),
      }),
    ),
    ApiExtension(problemCodes, problemsOf(options)),
  );
}

/** Extension that carries the problem codes of an operation to src/openapi/, which turns them into answers. */
export const problemCodes = 'x-problem-codes';

const descriptionOfStatus: Record<string, string> = {
  201: 'It was created.',
  202: 'The action is recorded. Its deliveries to Amazon IVS continue.',
  204: 'It was done.',
};

function describe({ access, description }: EndpointOptions): string {
  const who =
    'public' in access
      ? 'Anybody.'
      : 'operator' in access
        ? 'The operator.'
        : 'eventBridge' in access
          ? 'Amazon EventBridge, with the secret of the deployment.'
          : 'session' in access
            ? 'Whoever is signed in to the console.'
            : `API keys with ${scopesOf(access)
                .map((scope) => `\`${scope}\``)
                .join(
                  ' or ',
                )}${access.users ? ', and app users' : ''}${access.orOperator ? ', and the operator' : ''}.`;
  const suspended = 'scope' in access && access.evenIfSuspended ? ' Those of a suspended tenant may call it, too.' : '';
  return `${description ? `${description}\n\n` : ''}Callers: ${who}${suspended}`;
}

/** The caller needs one of these credentials. The scope beside `apiKey` is the one that the key needs. */
function securityOf(access: Access): Record<string, string[]>[] {
  if ('public' in access) return [];
  if ('operator' in access) return [{ operator: [] }];
  if ('eventBridge' in access) return [{ eventBridge: [] }];
  if ('session' in access) return [{ session: [] }];
  return [
    ...scopesOf(access).map((scope) => ({ apiKey: [scope] })),
    ...(access.users ? [{ user: [] }] : []),
    ...(access.orOperator ? [{ operator: [] }] : []),
  ];
}

function problemsOf({ access, problems = [] }: EndpointOptions): ProblemCode[] {
  const always: ProblemCode[] = ['internal'];
  if (!('public' in access)) always.push('invalid_request', 'unauthenticated', 'unavailable');
  if (!('public' in access) && !('eventBridge' in access)) always.push('forbidden', 'rate_limited');
  return [...new Set([...always, ...problems])];
}
