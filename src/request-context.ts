import { AsyncLocalStorage } from 'node:async_hooks';
import type { Tx } from './database/database.ts';
import type { RateLimit } from './errors.ts';

/** The answer to a request: its HTTP status and its body. */
export interface Answer {
  status: number;
  body?: unknown;
}

/** What belongs to one request and is needed deep in the code, where it is not passed as an argument. */
export interface RequestContext {
  requestId: string;
  /** Time of arrival, in milliseconds of `performance.now()`. */
  startedAt: number;
  /**
   * Set for a request with an `Idempotency-Key`. Records in the transaction of the change that the change was made, and the
   * answer as it is at that time. `tenantId` is the tenant that the transaction has entered.
   */
  markApplied?: (tx: Tx, tenantId: string, answer: Answer | undefined) => Promise<void>;
  /** Set if the caller is a user who acts as a moderator: the space; null: the whole tenant. */
  moderatedIn?: string | null;
  /** Set once the acts of the caller were counted: how many they have left, and in how many seconds they have more. */
  acts?: { limit: RateLimit; left: number; moreInSeconds: number };
  /** Set if the answer holds a token: the latest time at which it may leave, in milliseconds of `performance.now()`. */
  leaveBy?: number;
  /** Set for a vend: ends its turn in this replica. It waits for AWS, and others can go on meanwhile. */
  endTurn?: () => void;
  /** Set for a repeated request for tokens (`Idempotency-Key`): ids of the grants that the request got before. */
  repeats?: readonly string[];
  /** Set while nobody knows who sends the request: what its credential may still cost. */
  stranger?: Stranger;
}

/** What may be done for a request whose sender is not known yet. Its address pays for it: see `limiting/strangers.ts`. */
export interface Stranger {
  /** Call it before the database is asked for something that a stranger can make up. @throws Problem `rate_limited` */
  lookUp(): void;
  /** Call it before a signature is verified. @throws Problem `rate_limited` */
  verify(): void;
  /**
   * Call it before the signature of a JWT is verified whose issuer and audience the tenant has registered.
   * @throws Problem `rate_limited` if the tenant may ask for nothing more now, whoever sends the request
   */
  verifyFor(tenantId: string): void;
  /** Call it when the request names a thing that is not there, whoever sends it. */
  missed(): void;
}

const storage = new AsyncLocalStorage<RequestContext>();

/** The context of the current request. Background work has none. */
export function currentRequest(): RequestContext | undefined {
  return storage.getStore();
}

/** Runs `work` so that `currentRequest` answers with `context`, also in everything that `work` starts. */
export function runInRequest(context: RequestContext, work: () => void): void {
  storage.run(context, work);
}

/**
 * Sets the latest time at which the current answer may leave, in milliseconds of `performance.now()`. Call it when the
 * answer holds a token. app.ts answers 503 after that time.
 */
export function mustLeaveBy(time: number): void {
  const current = storage.getStore();
  if (current) current.leaveBy = time;
}
