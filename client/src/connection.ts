import { Budget, backoffMs, untilOnline, waitUntil } from './pace.ts';
import { networkProblem, problemOf, StagedoorProblem } from './problem.ts';
import { isPassing } from './refusals.ts';

/** A request that gets no answer for this long has failed, in milliseconds. */
const timeoutMs = 15_000;

/**
 * Gives the JWT of the user who is signed in, from your identity provider or your back end. `isRenewal` is true if the service
 * has just refused the JWT before: a cached one is of no use then. `null`: nobody is signed in; the client stops.
 */
export type GetUserToken = (request: { isRenewal: boolean }) => Promise<string | null> | string | null;

export interface ConnectionOptions {
  /** Address of the service, such as `https://stagedoor.example`. */
  url: string;
  getUserToken: GetUserToken;
  /**
   * Slug or id of the tenant, sent in the header `x-stagedoor-tenant`. A space belongs to one tenant already. With this option the
   * service looks for the issuer of the JWT in this tenant alone, whatever space is asked for.
   */
  tenant?: string;
  /** Replaces the global `fetch`. */
  fetch?: typeof globalThis.fetch;
  /** Replaces the clock: milliseconds since 1970. */
  now?: () => number;
}

/** Why a request is not on its way yet. */
export interface Waiting {
  /** When it goes on, in milliseconds since 1970; null: when the browser is online. */
  readonly until: number | null;
  /** The failure before; null: the request has to wait for its turn. */
  readonly problem: StagedoorProblem | null;
}

/** What `Connection.post` is asked for. */
export interface Ask {
  path: string;
  /** Called right before each sending. */
  body: () => unknown;
  onWaiting: (waiting: Waiting | null) => void;
  signal: AbortSignal;
}

/** Sends the requests of one client: in its budget, with the user's JWT, again after a passing failure. */
export class Connection {
  readonly now: () => number;
  private readonly budget: Budget;
  private readonly base: string;

  constructor(private readonly options: ConnectionOptions) {
    this.now = options.now ?? Date.now;
    this.budget = new Budget(this.now);
    this.base = options.url.replace(/\/+$/, '');
  }

  /**
   * Sends a request until it has an answer that counts. A passing failure costs patience and no error.
   * @throws StagedoorProblem if asking again would not help; the reason of the signal if that aborts.
   */
  async post<Result>(ask: Ask): Promise<Result> {
    let isRenewal = false;
    for (let attempt = 0; ; attempt++) {
      await this.turn(ask);
      const problem = await this.attempt(ask, isRenewal);
      if (!(problem instanceof StagedoorProblem)) return problem.result as Result;
      ask.signal.throwIfAborted();
      if (problem.code === 'unauthenticated' && problem.status === 401 && !isRenewal) {
        isRenewal = true;
        continue;
      }
      if (!isPassing(problem)) throw problem;
      const until = this.now() + backoffMs(attempt, problem.retryAfterSeconds);
      ask.onWaiting({ until, problem });
      await waitUntil(until, this.now, { endsOnline: problem.code === 'network', signal: ask.signal });
    }
  }

  /** Waits until the browser is online and the budget allows a request. */
  private async turn({ signal, onWaiting }: Ask): Promise<void> {
    for (;;) {
      await untilOnline(this.now, signal, () => onWaiting({ until: null, problem: null }));
      signal.throwIfAborted();
      const waitMs = this.budget.take();
      if (waitMs === 0) return onWaiting(null);
      const until = this.now() + waitMs;
      onWaiting({ until, problem: null });
      await waitUntil(until, this.now, { signal });
    }
  }

  private async attempt(ask: Ask, isRenewal: boolean): Promise<{ result: unknown } | StagedoorProblem> {
    let jwt: string | null;
    try {
      jwt = await this.options.getUserToken({ isRenewal });
    } catch (error) {
      return new StagedoorProblem('network', 'getUserToken failed.', 0, undefined, undefined, {}, error);
    }
    if (!jwt) return new StagedoorProblem('unauthenticated', 'Nobody is signed in.');
    ask.signal.throwIfAborted();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeoutMs);
    const abort = () => late.abort();
    ask.signal.addEventListener('abort', abort);
    try {
      const { fetch = globalThis.fetch, tenant } = this.options;
      const response = await fetch(`${this.base}${ask.path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${jwt}`,
          'content-type': 'application/json',
          ...(tenant !== undefined && { 'x-stagedoor-tenant': tenant }),
        },
        body: JSON.stringify(ask.body()),
        signal: late.signal,
        // The JWT is the credential. Cookies of the service are for its own pages.
        credentials: 'omit',
        cache: 'no-store',
      });
      const text = await response.text();
      const body = parse(text);
      return response.ok && body ? { result: body } : problemOf(response, body);
    } catch (error) {
      return networkProblem(error);
    } finally {
      clearTimeout(timer);
      ask.signal.removeEventListener('abort', abort);
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
