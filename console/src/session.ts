import { createContext, useContext } from 'react';

import type { Session } from './types.ts';

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('nobody is signed in');
  return session;
}

/** Whether the session may do what a scope allows. The API refuses the rest all the same. */
export function may(session: Session, scope: string): boolean {
  const { scopes } = session as { scopes: readonly string[] };
  return (
    scopes.includes('*') ||
    scopes.includes(scope) ||
    (scope === 'moderation:read' && scopes.includes('moderation:write'))
  );
}
