import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../caller.ts';
import type { RequestKind } from '../limiting/caller-limits.ts';

/** The scopes an API key can have. `*` stands for all. */
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
  'events:read',
  'webhooks:write',
  'settings:write',
  'privacy:write',
  '*',
] as const;

export type Scope = (typeof scopes)[number];

/** For a scope, the wider scope that includes it. Whoever may act may also read what became of their actions. */
const includedIn: Partial<Record<Scope, Scope>> = { 'moderation:read': 'moderation:write' };

/** Whether a key with the scopes `held` may do what `scope` allows. */
export function hasScope(held: readonly string[], scope: Scope): boolean {
  const wider = includedIn[scope];
  return held.includes(scope) || held.includes('*') || (wider !== undefined && held.includes(wider));
}

/** Who may call a route. Nobody may call a route without such a declaration. */
export type Access =
  | { public: true }
  | { operator: true }
  /** Amazon EventBridge, with a secret of IVS_EVENTS_SECRET. */
  | { eventBridge: true }
  /** Whoever is signed in to the console, for as long as the session lasts. */
  | { session: true }
  | {
      /** API keys with this scope may call. */
      scope: Scope;
      /** API keys with this scope may call, too. */
      orScope?: Scope;
      /** The operator may call too: the service then shows what concerns all tenants. */
      orOperator?: true;
      /** App users may call too. The service then checks what their role allows. */
      users?: true;
      /** The route writes, and a suspended tenant may call it all the same: it only takes something from somebody, or only tells something. */
      evenIfSuspended?: true;
      /** The service keeps a key that is bound to spaces within them. Without it, such a key must name one of its spaces. */
      keepsBounds?: true;
    };

/** The scopes of which an API key, or a person at the console, needs one. */
export function scopesOf({ scope, orScope }: Extract<Access, { scope: unknown }>): Scope[] {
  return orScope === undefined ? [scope] : [scope, orScope];
}

/** Scopes of acts of moderation. They do not wait behind anything else, and nothing else uses up what they may do. */
const actScopes = new Set<Scope>(['moderation:write', 'members:write']);

/** The kind of a request to a route, by which it is limited. */
export function kindOf(access: Access | undefined, method: string): RequestKind {
  if (access === undefined || !('scope' in access) || method === 'GET' || method === 'HEAD') return 'requests';
  if (actScopes.has(access.scope)) return 'acts';
  return access.scope === 'tokens:vend' && access.orScope === undefined ? 'vends' : 'requests';
}

/** Key of the metadata that holds the `Access` of a route. The guard reads it. */
export const accessMetadata = 'stagedoor:access';

/** Declares who may call a route. `@Endpoint` uses it; routes need not name it themselves. */
export function AllowedTo(access: Access): MethodDecorator {
  return SetMetadata(accessMetadata, access);
}

/** A Fastify request. The guard sets `caller`; a public route has none. */
export interface AuthenticatedRequest extends FastifyRequest {
  caller?: Caller;
  /** Set if the request came with a session of the console. */
  session?: ConsoleSession;
  /** The header `set-cookie` that renews the session. */
  renewedCookie?: string | undefined;
}

/** The session of the console that a request came with. */
export interface ConsoleSession {
  /** Id of the session (`cse_…`). */
  id: string;
  /** The tenant of the caller; `operator` for the operator. */
  tenantId: string;
  startedAt: Date;
  /** What the pages of the session send with each write. */
  csrfToken: string;
  /** Name of the API key that the person has signed in with, or of the person; undefined: there is none. */
  name: string | undefined;
}

/** Parameter decorator: the session of the console that the guard has found. */
export const CurrentSession = createParamDecorator(
  (_: unknown, context: ExecutionContext): ConsoleSession | undefined => {
    return context.switchToHttp().getRequest<AuthenticatedRequest>().session;
  },
);

/** Parameter decorator: the caller that the guard has authenticated. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller | undefined => {
  return context.switchToHttp().getRequest<AuthenticatedRequest>().caller;
});
