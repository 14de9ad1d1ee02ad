import { AsyncLocalStorage } from 'node:async_hooks';
import type { Tx } from './database/database.ts';

/** What accompanies a request through the code without being an argument of everything. */
export interface RequestContext {
  requestId: string;
  /** When the request came in, by `performance.now()`. */
  startedAt: number;
  /**
   * Set while a request with an `Idempotency-Key` runs: notes in the mutation's own transaction, which has entered this
   * tenant, that it was applied.
   */
  markApplied?: (tx: Tx, tenantId: string) => Promise<void>;
  /** Set when the answer holds a token: until when it may leave, by `performance.now()`. */
  leaveBy?: number;
}

const storage = new AsyncLocalStorage<RequestContext>();

/** The request being served, or undefined in background work. */
export function currentRequest(): RequestContext | undefined {
  return storage.getStore();
}

export function runInRequest(context: RequestContext, work: () => void): void {
  storage.run(context, work);
}

/** The answer being made holds a token: it is held back once this time, by `performance.now()`, is past (app.ts). */
export function mustLeaveBy(time: number): void {
  const current = storage.getStore();
  if (current) current.leaveBy = time;
}
