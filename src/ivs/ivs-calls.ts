import { Injectable } from '@nestjs/common';
import { type CircuitBreakerPolicy, circuitBreaker, ConsecutiveBreaker, handleWhen } from 'cockatiel';
import { LRUCache } from 'lru-cache';
import type { z } from 'zod';
import { Metrics } from '../telemetry/metrics.ts';
import { inSpan } from '../telemetry/spans.ts';
import { accountKey, type IvsAccount, IvsClientPool, type IvsClients } from './ivs-clients.ts';
import { IvsFailure, toIvsFailure } from './ivs-errors.ts';

/** Longest a call may take in all, in milliseconds: a caller of ours is told within three seconds. */
const deadlineMs = 2_500;

/** After this many failures in a row an operation is left alone for a while, in one account and Region. */
const failuresToOpen = 10;
const halfOpenAfterMs = 1_000;

/** One way to call IVS: with a deadline, a breaker, a measurement, and a look at what came back. */
@Injectable()
export class IvsCalls {
  private readonly breakers = new LRUCache<string, CircuitBreakerPolicy>({ max: 10_000 });

  constructor(
    private readonly pool: IvsClientPool,
    private readonly metrics: Metrics,
  ) {}

  /**
   * @param send makes the call with the account's clients.
   * @param answer what must be in the answer: IVS may say 200 and nothing else, and that must not become a token.
   * @throws {IvsFailure}
   */
  async call<Answer extends z.ZodType>(
    account: IvsAccount,
    operation: string,
    answer: Answer,
    send: (clients: IvsClients, options: { abortSignal: AbortSignal }) => Promise<unknown>,
  ): Promise<z.output<Answer>> {
    const stop = this.metrics.ivsCalls.startTimer({ operation });
    try {
      const result = await this.breaker(account, operation).execute(async () => {
        try {
          return await inSpan(`IVS ${operation}`, { 'cloud.region': account.region }, () =>
            onceMoreIfClockWasWrong(() =>
              send(this.pool.of(account), { abortSignal: AbortSignal.timeout(deadlineMs) }),
            ),
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

  private breaker(account: IvsAccount, operation: string): CircuitBreakerPolicy {
    const key = `${operation} ${accountKey(account)}`;
    const known = this.breakers.get(key);
    if (known) return known;
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
