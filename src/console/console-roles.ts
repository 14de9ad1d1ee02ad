import { z } from 'zod';
import type { ConsoleUserCaller } from '../caller.ts';
import { hasScope, type Scope } from '../http/access.ts';

/** A role that a tenant gives a person of the console. */
export const consoleRole = z.enum(['viewer', 'moderator', 'admin']);
export type ConsoleRole = z.output<typeof consoleRole>;

/** What each role may do, in the scopes of API keys. So no route knows roles of the console. */
const scopesOf: Record<ConsoleRole, readonly Scope[]> = {
  viewer: ['spaces:read', 'moderation:read', 'events:read'],
  moderator: ['spaces:read', 'moderation:write', 'events:read', 'audit:read'],
  admin: ['*'],
};

/** The caller that a person of the console is. */
export function personWith(person: {
  tenantId: string;
  id: string;
  role: ConsoleRole;
  sessionId: string;
}): ConsoleUserCaller {
  return { kind: 'consoleUser', ...person, scopes: scopesOf[person.role] };
}

/** The role that scopes come nearest to. */
export function roleWith(scopes: readonly string[]): ConsoleRole {
  if (scopes.includes('*')) return 'admin';
  return hasScope(scopes, 'moderation:write') ? 'moderator' : 'viewer';
}
