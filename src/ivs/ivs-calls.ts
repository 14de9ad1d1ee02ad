import { Injectable } from '@nestjs/common';
import { type CircuitBreakerPolicy, circuitBreaker, ConsecutiveBreaker, handleWhen } from 'cockatiel';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { Database } from '../database/database.ts';
import { currentRequest } from '../request-context.ts';
import { TenantLimits } from '../limiting/tenant-limits.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { inSpan } from '../telemetry/spans.ts';
import {
  type CallRate,
  keptForModeration,
  moderationRates,
  type PresenceOperation,
  presenceRates,
  type TenantOperation,
  tenantRates,
} from './call-rates.ts';
import { type Lane, pacingName, type SharedRate } from './call-levels.ts';
import { CallUses } from './call-uses.ts';
import { FairTurns } from './fair-turns.ts';
import { accountKey, type IvsAccount, IvsClientPool, type IvsClients, type IvsTenant } from './ivs-clients.ts';
import { IvsFailure, NoTurn, toIvsFailure } from './ivs-errors.ts';
import { TenantTurns } from './tenant-turns.ts';

/** Deadline of a call in milliseconds. For a token it includes the wait for the turn. */
const deadlineMs = 2_500;

/** After this many failures in a row the breaker of one operation, in one account and Region, opens. */
const failuresToOpen = 10;

/** An open breaker lets the next call through after this time, in milliseconds. */
const halfOpenAfterMs = 1_000;

/** Sends one call with the clients of an account. */
export type Send = (clients: IvsClients, options: { abortSignal: AbortSignal }) => Promise<unknown>;

/**
 * Calls IVS. Every call has a deadline, a circuit breaker, a measurement, and a check of its answer. No call is made without
 * a share of the rate of IVS:
 *
 * - `call`: moderation. The SQL functions that lease its work have reserved the call.
 * - `callForTenant`: what tenants ask for in their requests. The call waits for its turn in the shared rate.
 * - `callForPresence`: looks at who is on a stage. Without a share of the rate no call is made.
 * - `callInTurn`: tokens. While IVS throttles, the tenants take turns.
 */
@Injectable()
export class IvsCalls {
  private readonly breakers = new LRUCache<string, CircuitBreakerPolicy>({ max: 10_000 });
  private readonly turns = new LRUCache<string, FairTurns>({ max: 10_000 });
  private readonly weightOf = (tenantId: string): number => this.limits.of(tenantId).weight;
  private readonly tenantTurns = new LRUCache<string, TenantTurns>({ max: 10_000 });

  constructor(
    private readonly pool: IvsClientPool,
    private readonly database: Database,
    private readonly metrics: Metrics,
    private readonly limits: TenantLimits,
    private readonly uses: CallUses,
  ) {}

  /**
   * Makes one call, for which a share of the rate has been reserved.
   * @param operation name of the operation in the service model, such as `CreateStage`.
   * @param answer schema of the fields that the answer must have. IVS can answer 200 without a body; no token may come of
   * that.
   * @param lane of which rate the call is a part.
   * @throws {IvsFailure}
   */
  async call<Answer extends z.ZodType>(
    account: IvsAccount,
    operation: string,
    answer: Answer,
    send: Send,
    abortSignal = AbortSignal.timeout(deadlineMs),
    lane: Lane = 'moderation',
  ): Promise<z.output<Answer>> {
    if (account.id !== undefined) this.uses.count(account.id, accountKey(account), pacingName({ operation, lane }));
    const stop = this.metrics.ivsCalls.startTimer({ operation });
    try {
      const result = await this.breakerOf(account, operation).execute(async () => {
        try {
          return await inSpan(`IVS ${operation}`, { 'cloud.region': account.region }, () =>
            retryIfClockWasWrong(() => send(this.pool.of(account), { abortSignal })),
          );
        } catch (error) {
          throw toIvsFailure(operation, error);
        }
      });
      const parsed = answer.safeParse(result);
      if (!parsed.success) {
        throw new IvsFailure('unusable_answer', operation, 'UnusableAnswer', 'the answer lacks a required field');
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
   * Makes one call to an operation whose number of calls the tenants decide. When IVS throttles it, tenants take turns.
   * @throws {IvsFailure}
   */
  async callInTurn<Answer extends z.ZodType>(
    tenant: IvsTenant,
    operation: string,
    answer: Answer,
    send: Send,
  ): Promise<z.output<Answer>> {
    currentRequest()?.endTurn?.(); // while IVS works, this replica can serve others
    const abortSignal = AbortSignal.timeout(deadlineMs);
    return await this.turnsOf(tenant, operation).inTurn(tenant.id, () =>
      this.call(tenant, operation, answer, send, abortSignal, 'tokens'),
    );
  }

  /**
   * Makes one call that a tenant asks for, when it is the tenant's turn.
   * @throws {IvsFailure} also `NoTurn`, without a call.
   * @throws {Problem} `unavailable` if the shared rate cannot be read.
   */
  async callForTenant<Answer extends z.ZodType>(
    tenant: IvsTenant,
    operation: TenantOperation,
    answer: Answer,
    send: Send,
  ): Promise<z.output<Answer>> {
    await this.tenantTurnsOf(tenant, operation).wait(tenant.id);
    return await this.call(tenant, operation, answer, send, AbortSignal.timeout(deadlineMs), 'tenants');
  }

  /**
   * Makes one call of a look at who is on a stage, if the rate allows it now.
   * @throws {IvsFailure} also `NoTurn`, without a call.
   */
  async callForPresence<Answer extends z.ZodType>(
    account: IvsAccount,
    operation: PresenceOperation,
    answer: Answer,
    send: Send,
  ): Promise<z.output<Answer>> {
    const own = presenceRates[operation];
    if ((await this.reserve(accountKey(account), operation, 'presence', own, 1)) === 0) {
      throw new NoTurn(operation, 'account', 1, own.rate + (lentBy(operation)?.rate ?? 0));
    }
    return await this.call(account, operation, answer, send, AbortSignal.timeout(deadlineMs), 'presence');
  }

  /**
   * Seconds until one more call of a tenant has its turn on this replica, after the calls that wait.
   * @param account as `accountKey` names it.
   */
  waitSeconds(account: string, { operation, lane }: SharedRate, tenantId: string): number {
    const key = `${operation} ${account}`;
    if (lane === 'tokens') return this.turns.get(key)?.waitSeconds(tenantId) ?? 0;
    return lane === 'tenants' ? (this.tenantTurns.get(key)?.waitSeconds(tenantId) ?? 0) : 0;
  }

  private tenantTurnsOf(tenant: IvsTenant, operation: TenantOperation): TenantTurns {
    const account = accountKey(tenant);
    const key = `${operation} ${account}`;
    const known = this.tenantTurns.get(key);
    if (known) return known;
    const own = tenantRates[operation];
    const reserve = (wanted: number) => this.reserve(account, operation, 'tenants', own, wanted);
    const made = new TenantTurns(
      operation,
      own.rate + (lentBy(operation)?.rate ?? 0),
      reserve,
      this.metrics,
      this.weightOf,
    );
    this.tenantTurns.set(key, made);
    return made;
  }

  /** Reserves calls of a lane, at most this many, and returns how many. */
  private async reserve(
    account: string,
    operation: string,
    lane: 'tenants' | 'presence',
    { rate, burst }: CallRate,
    wanted: number,
  ): Promise<number> {
    return await this.database.value(
      'reserve_calls_of_lane',
      { account, operation, lane, wanted, rate, burst, moderation: lentBy(operation), leave: keptForModeration },
      z.int(),
    );
  }

  private turnsOf(account: IvsAccount, operation: string): FairTurns {
    const key = `${operation} ${accountKey(account)}`;
    const known = this.turns.get(key);
    if (known) return known;
    const made = new FairTurns(operation, this.metrics, this.weightOf);
    this.turns.set(key, made);
    return made;
  }

  private breakerOf(account: IvsAccount, operation: string): CircuitBreakerPolicy {
    const key = `${operation} ${accountKey(account)}`;
    const known = this.breakers.get(key);
    if (known) return known;
    // Throttling does not count as a failure. Else one tenant could open the breaker for all tenants of the account.
    const made = circuitBreaker(
      handleWhen((error) => error instanceof IvsFailure && error.kind === 'unavailable'),
      { halfOpenAfter: halfOpenAfterMs, breaker: new ConsecutiveBreaker(failuresToOpen) },
    );
    this.breakers.set(key, made);
    return made;
  }
}

/** The rate of moderation that others borrow from for an operation; null: moderation does not call it. */
function lentBy(operation: string): CallRate | null {
  return operation in moderationRates ? moderationRates[operation as 'GetStage'] : null;
}

/**
 * Sends a second time if the clock of this machine was wrong. IVS refuses a signature whose time is more than five minutes
 * off, and does nothing else (AWS Signature Version 4). The SDK learns the difference from the refusal and corrects it.
 */
async function retryIfClockWasWrong(send: () => Promise<unknown>): Promise<unknown> {
  try {
    return await send();
  } catch (error) {
    const { $metadata: metadata } = (error ?? {}) as { $metadata?: { clockSkewCorrected?: boolean } };
    const refused = toIvsFailure('', error).kind === 'access_denied';
    if (refused && metadata?.clockSkewCorrected === true) return await send();
    throw error;
  }
}
