import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../caller.ts';

/** What an API key may be given. */
export const scopes = [
  'spaces:read',
  'spaces:write',
  'roles:write',
  'members:write',
  'tokens:vend',
  'moderation:read',
  'moderation:write',
  'keys:write',
  'issuers:write',
  'audit:read',
  '*',
] as const;

export type Scope = (typeof scopes)[number];

/** Scopes that another includes: who may act may see what became of it. */
const includedIn: Partial<Record<Scope, Scope>> = { 'moderation:read': 'moderation:write' };

/** Whether a key with these scopes has this one, by its name or in another. */
export function carries(held: readonly string[], scope: Scope): boolean {
  const wider = includedIn[scope];
  return held.includes(scope) || held.includes('*') || (wider !== undefined && held.includes(wider));
}

/** Who may call a route. A route that declares nothing is refused to everybody. */
export type Access =
  | { public: true }
  | { operator: true }
  | {
      /** API keys that carry this scope. */
      scope: Scope;
      /** App users too: what they may do is then up to their role, which the service looks at. */
      users?: true;
    };

export const accessMetadata = 'stagedoor:access';

export function AllowedTo(access: Access): MethodDecorator {
  return SetMetadata(accessMetadata, access);
}

/** A Fastify request after authentication. */
export interface AuthenticatedRequest extends FastifyRequest {
  caller?: Caller;
}

/** The caller of the request, as the guard has authenticated it. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller | undefined => {
  return context.switchToHttp().getRequest<AuthenticatedRequest>().caller;
});
