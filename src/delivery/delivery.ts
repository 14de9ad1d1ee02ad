import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { ModerationDatabase } from '../database/database.ts';
import { eventsWereWritten } from '../events/event-log.ts';
import { moderationRates } from '../ivs/call-rates.ts';
import { IvsChat } from '../ivs/ivs-chat.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsRealTime } from '../ivs/ivs-real-time.ts';
import { limits } from '../limits.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { inTraceOf } from '../telemetry/spans.ts';
import { accountInRow } from '../tenants/tenant-account.ts';

/** Length of a lease, in seconds. It is longer than any call takes, so two replicas never make the same call at once. */
export const leaseSeconds = 10;

/** Longest time until the next attempt, in seconds. */
export const longestBackoffSeconds = 30;

/** A lease older than this is not used, in milliseconds. A replica that stood still may hold a lease that has ended. */
const staleAfterMs = 2_000;

/** Largest number of calls of this replica at the same time. */
const maxInFlight = 50;

/** Longest time that a request waits for the calls of its action, in milliseconds. */
const inlineDeadlineMs = 2_000;

/** A delivery that this replica has leased, as `lease_deliveries` returns it. */
const leasedDelivery = z.object({
  tenant_id: z.string(),
  id: z.string(),
  action_id: z.string(),
  operation: z.enum(['DisconnectParticipant', 'DisconnectUser', 'DeleteMessage', 'SendEvent']),
  arn: z.string(),
  target: z.string(),
  parameters: z.object({ reason: z.string().optional(), attributes: z.record(z.string(), z.string()).optional() }),
  attempts: z.int(),
  region: z.string(),
  aws_role_arn: z.string().nullable(),
  aws_external_id: z.string().nullable(),
});
type LeasedDelivery = z.output<typeof leasedDelivery>;

/**
 * What `finish_delivery` returns if the call was the last that its action needed to silence everybody: the kind of the action,
 * and the seconds since its request came in. Else it returns null.
 */
const silence = z.object({ kind: z.string(), seconds: z.number() }).nullable();

/** The new state of a delivery. `retrySeconds` is null if the call is not repeated. */
interface Outcome {
  state: 'done' | 'not_connected' | 'pending' | 'stuck';
  error: string | null;
  retrySeconds: number | null;
  /** True: the answer did not come, so IVS may still carry out the call. */
  isUnanswered?: boolean;
}

/**
 * Makes the deliveries of actions: calls IVS, and repeats each call until it is settled. Every replica delivers. Leases keep
 * two replicas from making the same call.
 */
@Injectable()
export class Delivery extends BackgroundWork {
  protected readonly everyMs = 250;
  private readonly logger = new Logger(Delivery.name);
  private readonly leases = new Set<Promise<number>>();
  /** Calls on their way to IVS, with the id of the action of each. */
  private readonly inFlight = new Map<Promise<void>, string>();

  constructor(
    private readonly database: ModerationDatabase,
    private readonly realTime: IvsRealTime,
    private readonly chat: IvsChat,
    private readonly metrics: Metrics,
  ) {
    super();
  }

  /** Makes the calls of an action that the rates allow now, and waits for them, but no longer than `withinMs` milliseconds. */
  async deliver(tenantId: string, actionId: string, withinMs = inlineDeadlineMs): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (performance.now() < deadline) {
      await this.lease(tenantId, actionId, maxInFlight);
      await Promise.all(this.leases); // the background may be leasing deliveries of this action now
      const calls = [...this.inFlight].filter(([, callsAction]) => callsAction === actionId).map(([call]) => call);
      if (calls.length === 0) return;
      const timeUp = new Promise((resolve) => setTimeout(resolve, Math.max(0, deadline - performance.now())).unref());
      await Promise.race([Promise.all(calls), timeUp]);
    }
  }

  /** Starts the due calls of all tenants. It does not wait for them, so a slow account does not delay the others. */
  async run(): Promise<void> {
    for (;;) {
      const free = maxInFlight - this.inFlight.size;
      if (free <= 0 || (await this.lease(null, null, free)) === 0) return;
    }
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await super.beforeApplicationShutdown();
    await Promise.all(this.inFlight.keys());
  }

  /**
   * Leases due deliveries and starts their calls. Returns how many.
   * @param actionId null: deliveries of all actions of all tenants.
   */
  private async lease(tenantId: string | null, actionId: string | null, limit: number): Promise<number> {
    const started = this.leaseAndStart(tenantId, actionId, limit);
    const settled = started.catch(() => 0).finally(() => this.leases.delete(settled));
    this.leases.add(settled);
    return await started;
  }

  private async leaseAndStart(tenantId: string | null, actionId: string | null, limit: number): Promise<number> {
    const leasedAt = performance.now();
    const calls = await this.database.call(
      'lease_deliveries',
      {
        tenant: tenantId,
        action: actionId,
        limit,
        lease: `${leaseSeconds} seconds`,
        lands: `${limits.callLandsSeconds} seconds`,
        rates: moderationRates,
        expire: limits.expiredAtOnce,
      },
      leasedDelivery,
    );
    for (const call of calls) this.start(call, leasedAt);
    return calls.length;
  }

  /** @param leasedAt time before the lease, in milliseconds of `performance.now()`. The replica may have stood still since. */
  private start(call: LeasedDelivery, leasedAt: number): void {
    const work: Promise<void> = inTraceOf(call.action_id, () => this.attempt(call, leasedAt))
      .catch((error: unknown) => {
        // The lease ends by itself. Then a replica makes the call again.
        const text = 'the outcome of a delivery could not be recorded';
        this.partFailed(error, text, { operation: call.operation });
      })
      .finally(() => this.inFlight.delete(work));
    this.inFlight.set(work, call.action_id);
  }

  private async attempt(call: LeasedDelivery, leasedAt: number): Promise<void> {
    if (performance.now() - leasedAt > staleAfterMs) return;
    const { state, error, retrySeconds, isUnanswered } = await this.callIvs(call);
    const secondsSinceLease = (performance.now() - leasedAt) / 1000;
    const landsSeconds = isUnanswered ? Math.max(0, limits.callLandsSeconds - secondsSinceLease) : 0;
    this.metrics.deliveries.inc({ operation: call.operation, outcome: state === 'pending' ? 'retry' : state });
    const silenceReached = await this.database.value(
      'finish_delivery',
      { tenant: call.tenant_id, id: call.id, attempt: call.attempts, state, error, retrySeconds, landsSeconds, limits },
      silence,
    );
    if (!silenceReached) return;
    eventsWereWritten();
    this.metrics.silence.observe({ kind: silenceReached.kind }, silenceReached.seconds);
  }

  private async callIvs(call: LeasedDelivery): Promise<Outcome> {
    try {
      await this.send(call);
      return { state: 'done', error: null, retrySeconds: null };
    } catch (error) {
      return outcomeOf(error, call.attempts, (failure) => {
        this.logger.error(
          { operation: call.operation, actionId: call.action_id, err: failure },
          'IVS refuses a call of moderation; check the IAM policy of the account',
        );
      });
    }
  }

  private async send(call: LeasedDelivery): Promise<void> {
    const account = accountInRow(call);
    const { reason } = call.parameters;
    switch (call.operation) {
      case 'DisconnectParticipant':
        return await this.realTime.disconnectParticipant(account, call.arn, call.target, reason);
      case 'DisconnectUser':
        return await this.chat.disconnectUser(account, call.arn, call.target, reason);
      case 'DeleteMessage':
        return await this.chat.deleteMessage(account, call.arn, call.target, reason);
      case 'SendEvent':
        return await this.chat.sendEvent(account, call.arn, call.target, call.parameters.attributes ?? {});
    }
  }
}

/** The state of a delivery after a failed call. `alarm` is called if IVS refuses the call. */
function outcomeOf(error: unknown, attempts: number, alarm: (failure: IvsFailure) => void): Outcome {
  if (!(error instanceof IvsFailure)) throw error;
  const text = `${error.awsName}: ${error.awsMessage}`.slice(0, 500);
  if (error.kind === 'not_found') return { state: 'not_connected', error: null, retrySeconds: null };
  if (error.isTransient || error.kind === 'unusable_answer') {
    const isUnanswered = error.mayBeCarriedOut;
    return { state: 'pending', error: text, retrySeconds: backoffSeconds(attempts), isUnanswered };
  }
  alarm(error);
  return { state: 'stuck', error: text, retrySeconds: longestBackoffSeconds };
}

/**
 * Random number of seconds until the next attempt. Its maximum is 0.25 s after the first attempt, doubles with each attempt,
 * and never exceeds 30 s.
 * @param attempts number of attempts so far, at least 1.
 */
export function backoffSeconds(attempts: number): number {
  return Math.random() * Math.min(longestBackoffSeconds, 0.25 * 2 ** (attempts - 1));
}
