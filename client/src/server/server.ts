import createClient, { type Client, type FetchResponse, type MaybeOptionalInit } from 'openapi-fetch';
import type { components, paths } from '../generated/openapi.ts';
import { safeFetch } from './safe-fetch.ts';

type Schemas = components['schemas'];
type Json = 'application/json';

export interface StagedoorServerOptions {
  /** Address of the service, such as `https://stagedoor.example`. */
  url: string;
  /** An API key. It belongs on servers only. */
  apiKey: string;
  /** Replaces the global `fetch`. */
  fetch?: typeof globalThis.fetch;
  /** Seconds after which a request without a good answer is given up, repeats included; 30 by default. */
  patienceSeconds?: number;
}

type HttpMethod = 'get' | 'post' | 'put' | 'patch' | 'delete';
type PathsWithMethod<Method extends HttpMethod> = {
  [Path in keyof paths]: paths[Path] extends Record<Method, unknown> ? Path : never;
}[keyof paths];
/** The options of a call. They may be left out if none is required. */
type InitParam<Init> = object extends Init ? [init?: Init] : undefined extends Init ? [init?: Init] : [init: Init];

type BodyOf<Answer> = Answer extends { data: infer Data } ? Data : never;
type Result<Data> = [Data] extends [never] ? void : Data;

/** Calls one HTTP method of any path in the OpenAPI document. It resolves to the body of the answer. */
export type ServerMethod<Method extends HttpMethod> = <
  Path extends PathsWithMethod<Method>,
  Init extends MaybeOptionalInit<paths[Path], Method>,
>(
  path: Path,
  ...init: InitParam<Init>
) => Promise<Result<NonNullable<BodyOf<FetchResponse<paths[Path][Method] & Record<string, unknown>, Init, Json>>>>>;

/** The paths of lists, and what an entry of each is. */
type ListPath = {
  [Path in keyof paths]: paths[Path] extends { get: { responses: { 200: { content: { [Type in Json]: ListPage } } } } }
    ? Path
    : never;
}[keyof paths];
interface ListPage {
  data: unknown[];
  nextCursor: string | null;
  /** Only of the list of events, whose `nextCursor` is never null. */
  hasMore?: boolean;
}
type EntryOf<Path extends ListPath> = paths[Path] extends {
  get: { responses: { 200: { content: { [Type in Json]: { data: (infer Entry)[] } } } } };
}
  ? Entry
  : never;
type ListParams<Path extends ListPath> = paths[Path] extends { get: { parameters: infer Params } }
  ? Pick<Params, Extract<keyof Params, 'query' | 'path'>>
  : never;

/** The service, for back ends. Every method rejects with a `StagedoorProblem`. */
export interface StagedoorServer {
  /** Tokens for a user of yours. Each call makes new ones. */
  vend(spaceId: string, request: Schemas['JoinRequest'] & { userId: string }): Promise<Schemas['JoinResult']>;
  /** Refuses a user from now on, in one space or in all, and disconnects them. */
  ban(request: Schemas['CreateBanRequest']): Promise<Schemas['BanResult']>;
  /** Ends a ban. */
  lift(banId: string, reason?: string): Promise<Schemas['Ban']>;
  /** The grants: who could still get in, and who got what. */
  ledger(query?: ListParams<'/v1/grants'>['query']): AsyncIterable<Schemas['Grant']>;
  /**
   * The events in order, for ever: at the end of the log it asks again each second. Begin with `after`, the id of the last event
   * that you have; without it, the oldest event comes first. Leave the loop to end it.
   */
  events(query?: Omit<NonNullable<ListParams<'/v1/events'>['query']>, 'cursor'>): AsyncIterable<Schemas['Event']>;
  /** All entries of a list, page after page. The list of events ends where the log ends now. */
  list<Path extends ListPath>(path: Path, params?: ListParams<Path>): AsyncIterable<EntryOf<Path>>;
  readonly GET: ServerMethod<'get'>;
  readonly POST: ServerMethod<'post'>;
  readonly PUT: ServerMethod<'put'>;
  readonly PATCH: ServerMethod<'patch'>;
  readonly DELETE: ServerMethod<'delete'>;
}

/** Time until the end of the log of events is looked at again, in milliseconds. */
const askAgainMs = 1_000;

/** Makes a client for a back end, with an API key. Writes get an `Idempotency-Key` and are repeated safely. */
export function createStagedoorServer({
  url,
  apiKey,
  fetch = globalThis.fetch,
  patienceSeconds = 30,
}: StagedoorServerOptions): StagedoorServer {
  const client: Client<paths, Json> = createClient<paths, Json>({
    baseUrl: url,
    fetch: safeFetch({ apiKey, fetch, patienceSeconds }),
  });
  const bodyOf =
    (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE') =>
    async (path: string, init?: object): Promise<unknown> => {
      const call = client[method] as unknown as (path: string, init?: object) => Promise<{ data?: unknown }>;
      return (await call(path, init)).data;
    };
  const POST = bodyOf('POST') as ServerMethod<'post'>;
  const DELETE = bodyOf('DELETE') as ServerMethod<'delete'>;

  async function* list<Path extends ListPath>(path: Path, params?: ListParams<Path>): AsyncIterable<EntryOf<Path>> {
    const { query = {}, path: inPath } = (params ?? {}) as { query?: object; path?: object };
    let cursor: string | null | undefined;
    do {
      const init = { params: { path: inPath, query: { limit: 100, ...query, ...(cursor && { cursor }) } } };
      const page = (await bodyOf('GET')(path, init)) as ListPage;
      yield* page.data as EntryOf<Path>[];
      cursor = page.hasMore === false ? null : page.nextCursor;
    } while (cursor);
  }

  async function* events(query?: object): AsyncIterable<Schemas['Event']> {
    let cursor: string | undefined;
    for (;;) {
      const init = { params: { query: { limit: 100, ...query, ...(cursor && { cursor }) } } };
      const page = (await bodyOf('GET')('/v1/events', init)) as Schemas['EventPage'];
      yield* page.data;
      cursor = page.nextCursor;
      if (!page.hasMore) await new Promise((resolve) => setTimeout(resolve, askAgainMs));
    }
  }

  return {
    vend: (spaceId, body) => POST('/v1/spaces/{spaceId}/join', { params: { path: { spaceId } }, body }),
    ban: (body) => POST('/v1/bans', { body }),
    lift: (banId, reason) =>
      DELETE('/v1/bans/{banId}', { params: { path: { banId } }, ...(reason !== undefined && { body: { reason } }) }),
    ledger: (query) => list('/v1/grants', { query }),
    events,
    list,
    GET: bodyOf('GET') as ServerMethod<'get'>,
    POST,
    PUT: bodyOf('PUT') as ServerMethod<'put'>,
    PATCH: bodyOf('PATCH') as ServerMethod<'patch'>,
    DELETE,
  };
}
