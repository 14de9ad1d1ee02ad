import {
  experimental_streamedQuery as streamedQuery,
  keepPreviousData,
  queryOptions,
  QueryClient,
} from '@tanstack/react-query';

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

/** The most entries that a list shows, if it is not one of people in a space. */
export const mostShown = 500;

/** The most people of a space that a list shows. */
export const mostPeople = 20_000;

/** So many entries of a long list are shown at once, after the first page of it. Each time, the page is drawn anew. */
const shownAtOnce = 1_000;

/** Where nobody tells of changes, a list is read again after this time for each of its entries, in milliseconds. */
const rereadMsPerEntry = 5;

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

/** A list of people in a space. What has come of it is shown while the rest is read; later it is replaced as a whole. */
const people = <T>(name: string, spaceId: string, path: string, query: Record<string, string> = {}) =>
  queryOptions({
    queryKey: [name, spaceId],
    queryFn: streamedQuery<T[], T[]>({
      streamFn: ({ signal }) => inParts(pagesOf<T>(path, query, signal, mostPeople)),
      reducer: (all, page) => [...all, ...page],
      initialValue: [],
      refetchMode: 'replace',
    }),
    refetchInterval: ({ state: { data } }) => Math.max(rereadMs, (data?.length ?? 0) * rereadMsPerEntry),
  });

export const participants = (spaceId: string) =>
  people<Participant>('participants', spaceId, `/v1/spaces/${spaceId}/participants`);

/** Who could still get in, or is in: tokens that are good. */
export const grants = (spaceId: string) => people<Grant>('grants', spaceId, '/v1/grants', { spaceId, live: 'true' });

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
  for await (const page of pagesOf<T>(path, query, signal, most)) all.push(...page);
  return all;
}

/** Reads a list page by page, until there are `most` entries. @throws ApiProblem */
async function* pagesOf<T>(
  path: string,
  query: Record<string, string>,
  signal: AbortSignal | undefined,
  most: number,
): AsyncGenerator<T[]> {
  let cursor: string | null = null;
  let entries = 0;
  do {
    const asked: URLSearchParams = new URLSearchParams({ ...query, limit: '100', ...(cursor !== null && { cursor }) });
    const page: Page<T> = await read<Page<T>>(`${path}?${asked}`, signal);
    yield page.data;
    entries += page.data.length;
    cursor = page.nextCursor;
  } while (cursor !== null && entries < most);
}

/** The first page by itself, and then parts of many pages. */
async function* inParts<T>(pages: AsyncIterable<T[]>): AsyncGenerator<T[]> {
  let part: T[] = [];
  let isFirst = true;
  for await (const page of pages) {
    part.push(...page);
    if (!isFirst && part.length < shownAtOnce) continue;
    yield part;
    part = [];
    isFirst = false;
  }
  if (part.length > 0) yield part;
}
