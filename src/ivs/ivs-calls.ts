import { Injectable } from '@nestjs/common';
import { type CircuitBreakerPolicy, circuitBreaker, ConsecutiveBreaker, handleWhen } from 'cockatiel';
import { LRUCache } from 'lru-cache';
import type { z } from 'zod';
import { Metrics } from '../telemetry/metrics.ts';
import { inSpan } from '../telemetry/spans.ts';
import { FairTurns } from './fair-turns.ts';
import { accountKey, type IvsAccount, IvsClientPool, type IvsClients, type IvsTenant } from './ivs-clients.ts';
import { IvsFailure, toIvsFailure } from './ivs-errors.ts';

/** Longest a call may take in all, its turn included, in milliseconds: a caller of ours is told within three seconds. */
const deadlineMs = 2_500;

/** After this many failures in a row an operation is left alone for a while, in one account and Region. */
const failuresToOpen = 10;
const halfOpenAfterMs = 1_000;

/** Makes the call with the account's clients. */
type Send = (clients: IvsClients, options: { abortSignal: AbortSignal }) => Promise<unknown>;

/** One way to call IVS: with a deadline, a breaker, a measurement, and a look at what came back. */
@Injectable()
export class IvsCalls {
  private readonly breakers = new LRUCache<string, CircuitBreakerPolicy>({ max: 10_000 });
  private readonly turns = new LRUCache<string, FairTurns>({ max: 10_000 });

  constructor(
    private readonly pool: IvsClientPool,
    private readonly metrics: Metrics,
  ) {}

  /**
   * @param answer what must be in the answer: IVS may say 200 and nothing else, and that must not become a token.
   * @throws {IvsFailure}
   */
  async call<Answer extends z.ZodType>(
    account: IvsAccount,
    operation: string,
    answer: Answer,
    send: Send,
    abortSignal = AbortSignal.timeout(deadlineMs),
  ): Promise<z.output<Answer>> {
    const stop = this.metrics.ivsCalls.startTimer({ operation });
    try {
      const result = await this.breaker(account, operation).execute(async () => {
        try {
          return await inSpan(`IVS ${operation}`, { 'cloud.region': account.region }, () =>
            onceMoreIfClockWasWrong(() => send(this.pool.of(account), { abortSignal })),
          );
        } catch (error) {
          throw toIvsFailure(operation, error);
        }
      });
      const parsed = answer.safeParse(result);
      if (!parsed.success) {
        throw new IvsFailure('unusable_answer', operation, 'UnusableAnswer', 'the answer lacks what it must have');
      }
      stop({ result: 'ok' });
      return parsed.data;
    } catch (error) {
      const failure = toIvsFailure(operation, error);
      stop({ result: failure.kind });
      throw failure;
    }
  }

  /**
   * The same for an operation that tenants call as often as they like: once IVS throttles it, they take turns.
   *
   * @throws {IvsFailure}
   */
  async callInTurn<Answer extends z.ZodType>(
    tenant: IvsTenant,
    operation: string,
    answer: Answer,
    send: Send,
  ): Promise<z.output<Answer>> {
    const abortSignal = AbortSignal.timeout(deadlineMs);
    return await this.turnsOf(tenant, operation).inTurn(tenant.id, () =>
      this.call(tenant, operation, answer, send, abortSignal),
    );
  }

  private turnsOf(account: IvsAccount, operation: string): FairTurns {
    const key = `${operation} ${accountKey(account)}`;
    const known = this.turns.get(key);
    if (known) return known;
    const made = new FairTurns(operation, this.metrics);
    this.turns.set(key, made);
    return made;
  }

  private breaker(account: IvsAccount, operation: string): CircuitBreakerPolicy {
    const key = `${operation} ${accountKey(account)}`;
    const known = this.breakers.get(key);
    if (known) return known;
    // Throttling is no failure here: one tenant could have the operation left alone for all that share the account.
    const made = circuitBreaker(
      handleWhen((error) => error instanceof IvsFailure && error.kind === 'unavailable'),
      { halfOpenAfter: halfOpenAfterMs, breaker: new ConsecutiveBreaker(failuresToOpen) },
    );
    this.breakers.set(key, made);
    return made;
  }
}

/**
 * IVS refuses a signature whose time is more than five minutes off, and does nothing. From the refusal the SDK learns by
 * how much this machine's clock is wrong, and signs rightly from then on.
 */
async function onceMoreIfClockWasWrong(send: () => Promise<unknown>): Promise<unknown> {
  try {
    return await send();
  } catch (error) {
    const { $metadata: known } = (error ?? {}) as { $metadata?: { clockSkewCorrected?: boolean } };
    const refused = toIvsFailure('', error).kind === 'access_denied';
    if (refused && known?.clockSkewCorrected === true) return await send();
    throw error;
  }
}
