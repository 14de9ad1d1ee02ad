import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

import { may } from './session.ts';
import type { Session } from './types.ts';

/** Whether events arrive. `reading`: the session may not have them, and reads lists again instead. */
export type Connection = 'connecting' | 'live' | 'lost' | 'reading';

/** Which queries an event makes old, by what its type begins with. */
const touched: Record<string, string[]> = {
  'space.': ['spaces', 'space'],
  'session.': ['participants'],
  'participant.': ['participants', 'grants'],
  'grant.': ['grants', 'audit'],
  'ban.': ['bans', 'grants', 'participants', 'audit'],
  'action.': ['actions', 'participants', 'grants'],
  'member.': ['participants', 'grants', 'audit'],
};

const types = [
  ...['created', 'updated', 'deleted', 'opened', 'closed', 'frozen', 'unfrozen'].map((what) => `space.${what}`),
  ...['started', 'ended'].map((what) => `session.${what}`),
  ...['joined', 'published', 'unpublished', 'left'].map((what) => `participant.${what}`),
  'grant.revoked',
  ...['created', 'lifted', 'expired'].map((what) => `ban.${what}`),
  ...['delivered', 'stuck', 'silenced'].map((what) => `action.${what}`),
  'member.role_changed',
];

/** Events of one burst lead to one reading, in milliseconds. */
const gatherMs = 300;

/** A long list is read again more seldom: once in so many milliseconds for each of its entries. */
const msPerEntry = 1;

/** A stream that the service refuses is asked for again after this time, in milliseconds. */
const againMs = 5_000;

/**
 * Follows the events of the tenant, and reads what they say has changed. The browser connects again by itself, and goes on
 * after the last event that it has got.
 * @param stream the address of the events; undefined: the session may not read them, so the lists are read again from time to
 *   time, and nothing else.
 */
export function useLive(stream: string | undefined): Connection {
  const queries = useQueryClient();
  const [connection, setConnection] = useState<Connection>('connecting');
  useEffect(
    () => (stream === undefined ? undefined : follow(stream, queries, setConnection)),
    [queries, stream, setConnection],
  );
  return stream === undefined ? 'reading' : connection;
}

/** @returns what ends it */
function follow(stream: string, queries: QueryClient, tell: (connection: Connection) => void): () => void {
  const old = new Set<string>();
  let gathering: ReturnType<typeof setTimeout> | undefined;
  let opening: ReturnType<typeof setTimeout> | undefined;
  let source: EventSource;
  const readAgain = (keys: string[]) => {
    for (const key of keys) old.add(key);
    gathering ??= setTimeout(() => {
      gathering = undefined;
      for (const key of old) {
        // What is being read is read to its end, and then once more. Else a list that takes long would never come.
        if (isBusy(queries, key)) continue;
        old.delete(key);
        void queries.invalidateQueries({ queryKey: [key] });
      }
      if (old.size > 0) readAgain([]);
    }, gatherMs);
  };
  const open = () => {
    source = new EventSource(stream);
    source.addEventListener('open', () => {
      tell('live');
      readAgain(Object.values(touched).flat()); // what happened meanwhile
    });
    source.addEventListener('error', () => {
      tell('lost');
      readAgain(['session']);
      if (source.readyState === EventSource.CLOSED) opening = setTimeout(open, againMs);
    });
    for (const type of types) {
      source.addEventListener(type, () => readAgain(touched[type.slice(0, type.indexOf('.') + 1)] ?? []));
    }
  };
  open();
  return () => {
    clearTimeout(gathering);
    clearTimeout(opening);
    source.close();
  };
}

/** The address of the events that a session may read; undefined: it may read none. A key that is bound to spaces reads one of them at a time. */
export function streamOf(session: Session): string | undefined {
  if (session.role === 'operator' || !may(session, 'events:read')) return undefined;
  if (session.spaceIds === null) return '/v1/events/stream';
  return session.spaceIds.length === 1 ? `/v1/events/stream?spaceId=${session.spaceIds[0]}` : undefined;
}

/** Whether lists of a kind are being read, or were read so short a time ago that they need not be yet. */
function isBusy(queries: QueryClient, key: string): boolean {
  return queries
    .getQueryCache()
    .findAll({ queryKey: [key], type: 'active' })
    .some(({ state: { fetchStatus, data, dataUpdatedAt } }) => {
      const entries = Array.isArray(data) ? data.length : 0;
      return fetchStatus === 'fetching' || Date.now() < dataUpdatedAt + entries * msPerEntry;
    });
}
