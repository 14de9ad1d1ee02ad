import { keepPreviousData, queryOptions, QueryClient } from '@tanstack/react-query';

import { ApiProblem, read, write } from './api.ts';
import type {
  Action,
  AuditEntry,
  Ban,
  Explanation,
  Grant,
  Page,
  Participant,
  Role,
  Session,
  Settings,
  SignInWays,
  Space,
  UserNote,
} from './types.ts';

/** Events say what has changed. What they do not tell of is read again after this time, in milliseconds. */
const rereadMs = 10_000;

/** The most entries that a list of this page shows. */
export const mostShown = 500;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (failures, error) => failures < 3 && error instanceof ApiProblem && error.isPassing,
    },
  },
});

export const session = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }) => {
    try {
      return await read<Session>('/console/session', signal);
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 401) return null;
      throw error;
    }
  },
  // It also keeps the session in use while the page is open.
  refetchInterval: 5 * 60_000,
});

/** The identity providers with which people of a tenant sign in, by the slug of the tenant. */
export const signInWays = (slug: string) =>
  queryOptions({
    queryKey: ['sign-in ways', slug],
    queryFn: async ({ signal }) => {
      const asked = new URLSearchParams({ tenant: slug });
      return (await read<SignInWays>(`/console/sign-in/ways?${asked}`, signal)).data;
    },
    staleTime: Infinity,
  });

export const spaces = queryOptions({
  queryKey: ['spaces'],
  queryFn: ({ signal }) => readAll<Space>('/v1/spaces', {}, signal),
  refetchInterval: rereadMs,
});

export const space = (spaceId: string) =>
  queryOptions({
    queryKey: ['space', spaceId],
    queryFn: ({ signal }) => read<Space>(`/v1/spaces/${spaceId}`, signal),
    refetchInterval: rereadMs,
  });

export const participants = (spaceId: string) =>
  queryOptions({
    queryKey: ['participants', spaceId],
    queryFn: ({ signal }) => readAll<Participant>(`/v1/spaces/${spaceId}/participants`, {}, signal),
    refetchInterval: rereadMs,
  });

/** Who could still get in, or is in: tokens that are good. */
export const grants = (spaceId: string) =>
  queryOptions({
    queryKey: ['grants', spaceId],
    queryFn: ({ signal }) => readAll<Grant>('/v1/grants', { spaceId, live: 'true' }, signal),
    refetchInterval: rereadMs,
  });

/** Bans in force that a space is under: its own, and those of the whole tenant where the session may see them. */
export const bans = (spaceId: string, { spaceIds }: Session) =>
  queryOptions({
    queryKey: ['bans', spaceId],
    queryFn: async ({ signal }) => {
      const own = await readAll<Ban>('/v1/bans', { active: 'true', spaceId }, signal);
      if (spaceIds !== null) return own;
      const all = await readAll<Ban>('/v1/bans', { active: 'true' }, signal);
      const both = [...own, ...all.filter((ban) => ban.spaceId === null)];
      return both.sort((a, b) => b.createdAt.localeCompare(a.createdAt));
    },
    refetchInterval: rereadMs,
  });

/** What the tenant has settled. */
export const settings = queryOptions({
  queryKey: ['settings'],
  queryFn: ({ signal }) => read<Settings>('/v1/settings', signal),
  staleTime: 60_000,
});

export const roles = queryOptions({
  queryKey: ['roles'],
  queryFn: ({ signal }) => readAll<Role>('/v1/roles', {}, signal),
});

export const actions = (spaceId: string) =>
  queryOptions({
    queryKey: ['actions', spaceId],
    queryFn: ({ signal }) => readAll<Action>('/v1/actions', { spaceId, state: 'pending' }, signal),
    refetchInterval: 2_000,
  });

/**
 * What a join of a user would be answered. The audit log has each such question, so it is asked once, and again when the
 * bans of the user have changed.
 */
export const explanation = (spaceId: string, userId: string, known: Ban[], { csrfToken }: Session) =>
  queryOptions({
    queryKey: ['explanation', spaceId, userId, known.map(({ id, state }) => [id, state])],
    queryFn: () =>
      write<Explanation>({ method: 'POST', path: `/v1/spaces/${spaceId}/join/explain`, body: { userId }, csrfToken }),
    staleTime: Infinity,
  });

/** A user, in one space or in all. */
export interface Of {
  userId: string;
  spaceId: string | undefined;
}

function queryOf({ userId, spaceId }: Of): Record<string, string> {
  return { userId, ...(spaceId !== undefined && { spaceId }) };
}

export const grantsOf = (of: Of) =>
  queryOptions({
    queryKey: ['grants', 'of', of],
    queryFn: ({ signal }) => readAll<Grant>('/v1/grants', queryOf(of), signal),
    refetchInterval: rereadMs,
  });

export const bansOf = (of: Of) =>
  queryOptions({
    queryKey: ['bans', 'of', of],
    queryFn: ({ signal }) => readAll<Ban>('/v1/bans', queryOf(of), signal),
    refetchInterval: rereadMs,
  });

/**
 * Messages of a space that were deleted, the newest first, as the actions of those who did it.
 * @param heard how many deletions the room has told of. With another number it is read again.
 */
export const deletionsIn = (spaceId: string, heard: number) =>
  queryOptions({
    queryKey: ['actions', 'deletions in', spaceId, heard],
    queryFn: ({ signal }) => readAll<Action>('/v1/actions', { spaceId, kind: 'message.delete' }, signal, 100),
    placeholderData: keepPreviousData,
    gcTime: 10_000,
  });

/** What a user wrote that was deleted, the newest first, as the actions of those who did it. */
export const deletionsOf = (of: Of) =>
  queryOptions({
    queryKey: ['actions', 'deletions of', of],
    queryFn: ({ signal }) => readAll<Action>('/v1/actions', { ...queryOf(of), kind: 'message.delete' }, signal),
    refetchInterval: rereadMs,
  });

/**
 * The newest chat token of somebody in a room, by the user id that IVS knows; null: the ledger has none. It says who they
 * are where IVS knows a pseudonym.
 */
export const tokenOf = (spaceId: string, ivsUserId: string) =>
  queryOptions({
    queryKey: ['grants', 'token of', spaceId, ivsUserId],
    queryFn: async ({ signal }) => {
      const [newest] = await readAll<Grant>('/v1/grants', { spaceId, ivsUserId }, signal, 1);
      return newest ?? null;
    },
  });

/** What moderators have noted about a user, the newest first. */
export const notesOf = (userId: string) =>
  queryOptions({
    queryKey: ['notes', userId],
    queryFn: ({ signal }) => readAll<UserNote>(`/v1/users/${encodeURIComponent(userId)}/notes`, {}, signal),
    refetchInterval: rereadMs,
  });

/** What the audit log tells of a user, the newest first. Who asked about them is left out. */
export const auditOf = (of: Of) =>
  queryOptions({
    queryKey: ['audit', 'of', of],
    queryFn: async ({ signal }) => {
      const all = await readAll<AuditEntry>('/v1/audit', queryOf(of), signal);
      return all.filter(({ action }) => action !== 'join.explain');
    },
    refetchInterval: rereadMs,
  });

/** Reads the pages of a list, until there are `most` entries. @throws ApiProblem */
export async function readAll<T>(
  path: string,
  query: Record<string, string>,
  signal?: AbortSignal,
  most = mostShown,
): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | null = null;
  do {
    const asked: URLSearchParams = new URLSearchParams({ ...query, limit: '100', ...(cursor !== null && { cursor }) });
    const page: Page<T> = await read<Page<T>>(`${path}?${asked}`, signal);
    all.push(...page.data);
    cursor = page.nextCursor;
  } while (cursor !== null && all.length < most);
  return all;
}
