import { backoffMs } from '../pace.ts';
import { networkProblem, problemOf, StagedoorProblem } from '../problem.ts';
import { isPassing } from '../refusals.ts';

export interface SafeFetchOptions {
  apiKey: string;
  fetch: typeof globalThis.fetch;
  /** Seconds after which a request that has no good answer is given up, repeats included. */
  patienceSeconds: number;
}

/** One attempt without an answer is given up after this long, in milliseconds. */
const attemptMs = 15_000;

/**
 * Makes a `fetch` that repeats a request after a passing failure. A write has one `Idempotency-Key` for all its attempts, so the
 * service carries it out once, also if the answer to the first attempt was lost. It resolves to a good answer.
 * @throws StagedoorProblem if the service refuses, or if patience ends.
 */
export function safeFetch({
  apiKey,
  fetch,
  patienceSeconds,
}: SafeFetchOptions): (request: Request) => Promise<Response> {
  return async (request) => {
    request.headers.set('authorization', `Bearer ${apiKey}`);
    const isWrite = request.method !== 'GET' && request.method !== 'HEAD';
    if (isWrite && !request.headers.has('idempotency-key')) {
      request.headers.set('idempotency-key', crypto.randomUUID());
    }
    const deadline = performance.now() + patienceSeconds * 1_000;
    for (let attempt = 0; ; attempt++) {
      const answer = await once(request.clone(), fetch);
      if (answer instanceof Response) return answer;
      request.signal.throwIfAborted();
      // 409 with Retry-After: the first attempt is still being carried out.
      const maySucceed = isPassing(answer) || (answer.status === 409 && answer.retryAfterSeconds !== undefined);
      const pauseMs = Math.max(backoffMs(attempt) / 4, retryAfterMs(answer));
      if (!maySucceed || performance.now() + pauseMs > deadline) throw answer;
      await pause(pauseMs, request.signal);
    }
  };
}

/** What the service asked for, and a part more: many are told the same time. */
function retryAfterMs({ retryAfterSeconds = 0 }: StagedoorProblem): number {
  return retryAfterSeconds * 1_000 * (1 + Math.random() / 4);
}

async function once(request: Request, fetch: typeof globalThis.fetch): Promise<Response | StagedoorProblem> {
  try {
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(attemptMs)]);
    const response = await fetch(request, { signal });
    if (response.ok) return response;
    return problemOf(response, await response.json().catch(() => undefined));
  } catch (error) {
    return networkProblem(error);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal.addEventListener('abort', abort, { once: true });
  });
}
