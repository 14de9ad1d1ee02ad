/** The service, as the pages call it: with the cookie of the session, and with its CSRF token on each write. */

/** A problem document of the service, or its absence: status 0 says that no answer came. */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly retryAfterSeconds: number | undefined,
  ) {
    super(detail);
    this.name = 'ApiProblem';
  }

  /** Whether the same request may succeed in a moment. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500 || this.retryAfterSeconds !== undefined;
  }
}

export interface Write {
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  body?: object;
  csrfToken: string;
  /** The same for each repeat of a write: it is made once. */
  idempotencyKey?: string;
  /** For how long it is sent again while the service cannot take it, in milliseconds: half a minute unless said. */
  patienceMs?: number;
  /** Is called each time before it is sent again. */
  onWait?(problem: ApiProblem): void;
}

/** Reads a thing or a list. @throws ApiProblem */
export async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await send(path, { ...(signal && { signal }) })) as T;
}

/** Changes something. It is sent again while the service cannot take it. @throws ApiProblem */
export async function write<T>({
  method,
  path,
  body,
  csrfToken,
  idempotencyKey,
  patienceMs = 30_000,
  onWait,
}: Write): Promise<T> {
  const headers: Record<string, string> = {
    'x-stagedoor-csrf': csrfToken,
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
  };
  const request = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return (await send(path, request)) as T;
    } catch (error) {
      const mayRepeat = idempotencyKey !== undefined && error instanceof ApiProblem && error.isPassing;
      if (!mayRepeat || performance.now() > deadline) throw error;
      onWait?.(error);
      await new Promise((resolve) => setTimeout(resolve, (error.retryAfterSeconds ?? 1) * 1_000));
    }
  }
}

/** Signs a person in. @throws ApiProblem */
export async function signIn(credential: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  await send('/console/session', { method: 'POST', headers, body: JSON.stringify({ credential }) });
}

async function send(path: string, request: RequestInit): Promise<unknown> {
  const response = await fetch(path, { ...request, credentials: 'same-origin' }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiProblem(0, 'no_answer', '', undefined);
  });
  const text = await response.text();
  const body = text === '' ? undefined : (JSON.parse(text) as { code?: string; detail?: string });
  if (response.ok) return body;
  const wait = Number(response.headers.get('retry-after') ?? Number.NaN);
  throw new ApiProblem(
    response.status,
    body?.code ?? 'internal',
    body?.detail ?? '',
    Number.isFinite(wait) ? wait : undefined,
  );
}
