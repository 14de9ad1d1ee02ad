import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { ModerationDatabase } from '../database/database.ts';
import { IvsChat } from '../ivs/ivs-chat.ts';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsRealTime } from '../ivs/ivs-real-time.ts';
import { Metrics } from '../telemetry/metrics.ts';

/**
 * Calls a second that all replicas together make for moderation in one account and Region. They are a little under IVS's own
 * rates (AWS user guides, service quotas): others may use the same account.
 */
const rates = {
  DisconnectParticipant: { rate: 4.8, burst: 2 },
  DisconnectUser: { rate: 95, burst: 20 },
  DeleteMessage: { rate: 95, burst: 20 },
  SendEvent: { rate: 95, burst: 20 },
};

/** Length of a lease, in seconds. It is longer than any call takes, so that two replicas never make the same call at once. */
export const leaseSeconds = 10;

/** A lease older than this is not used, in milliseconds: a replica that was stopped meanwhile must lease anew. */
const staleAfterMs = 2_000;

const maxInFlight = 50;
const inlineDeadlineMs = 2_000;

/** A delivery that this replica has leased. */
const leased = z.object({
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
type Leased = z.output<typeof leased>;

/** What `finish_delivery` returns when the call was the last that its action needed to silence everybody. */
const silenced = z.object({ kind: z.string(), seconds: z.number() }).nullable();

interface Outcome {
  state: 'done' | 'not_connected' | 'pending' | 'stuck';
  error: string | null;
  retrySeconds: number | null;
}

/** Makes the calls to IVS that actions need, until they hold. Every replica delivers. Leases keep two from making one call. */
@Injectable()
export class Delivery extends BackgroundWork {
  protected readonly everyMs = 250;
  private readonly logger = new Logger(Delivery.name);
  private readonly leases = new Set<Promise<number>>();
  /** Calls on their way, and the action of each. */
  private readonly inFlight = new Map<Promise<void>, string>();

  constructor(
    private readonly database: ModerationDatabase,
    private readonly realTime: IvsRealTime,
    private readonly chat: IvsChat,
    private readonly metrics: Metrics,
  ) {
    super();
  }

  /** Makes the calls of an action that the rates allow now, and waits for them, but no longer than `withinMs`. */
  async deliver(tenantId: string, actionId: string, withinMs = inlineDeadlineMs): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (performance.now() < deadline) {
      await this.lease(tenantId, actionId, maxInFlight);
      await Promise.all(this.leases); // the background may have leased the same deliveries first
      const calls = [...this.inFlight].filter(([, of]) => of === actionId).map(([call]) => call);
      if (calls.length === 0) return;
      const timeUp = new Promise((resolve) => setTimeout(resolve, Math.max(0, deadline - performance.now())).unref());
      await Promise.race([Promise.all(calls), timeUp]);
    }
  }

  /** Starts the calls of all tenants that are due. It does not wait for them: a slow account must not hold up the others. */
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

  /** Leases deliveries and starts their calls. Returns how many. */
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
      { tenant: tenantId, action: actionId, limit, lease: `${leaseSeconds} seconds`, rates },
      leased,
    );
    for (const call of calls) this.start(call, leasedAt);
    return calls.length;
  }

  /** @param leasedAt when the lease was asked for: a replica may be stopped while the answer is under way. */
  private start(call: Leased, leasedAt: number): void {
    const work: Promise<void> = this.attempt(call, leasedAt)
      .catch((error: unknown) => {
        // The lease runs out, and a replica tries again.
        this.logger.warn({ err: error, operation: call.operation }, 'the outcome of a delivery could not be recorded');
      })
      .finally(() => this.inFlight.delete(work));
    this.inFlight.set(work, call.action_id);
  }

  private async attempt(call: Leased, leasedAt: number): Promise<void> {
    if (performance.now() - leasedAt > staleAfterMs) return;
    const { state, error, retrySeconds } = await this.make(call);
    this.metrics.deliveries.inc({ operation: call.operation, outcome: state === 'pending' ? 'retry' : state });
    const silence = await this.database.value(
      'finish_delivery',
      { tenant: call.tenant_id, id: call.id, attempt: call.attempts, state, error, retrySeconds },
      silenced,
    );
    if (silence) this.metrics.silence.observe({ kind: silence.kind }, silence.seconds);
  }

  private async make(call: Leased): Promise<Outcome> {
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

  private async send(call: Leased): Promise<void> {
    const account: IvsAccount = {
      region: call.region,
      awsRoleArn: call.aws_role_arn,
      awsExternalId: call.aws_external_id,
    };
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

/** What a failed call means for its delivery. */
function outcomeOf(error: unknown, attempts: number, alarm: (failure: IvsFailure) => void): Outcome {
  if (!(error instanceof IvsFailure)) throw error;
  const text = `${error.awsName}: ${error.awsMessage}`.slice(0, 500);
  if (error.kind === 'not_found') return { state: 'not_connected', error: null, retrySeconds: null };
  if (error.isTransient || error.kind === 'unusable_answer') {
    return { state: 'pending', error: text, retrySeconds: backoffSeconds(attempts) };
  }
  alarm(error);
  return { state: 'stuck', error: text, retrySeconds: 30 };
}

/** Seconds until the next attempt: a quarter of a second, doubled by each attempt up to 30 s, with full jitter. */
export function backoffSeconds(attempts: number): number {
  return Math.random() * Math.min(30, 0.25 * 2 ** (attempts - 1));
}
