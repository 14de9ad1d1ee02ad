import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Settings } from '../config.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database } from '../database/database.ts';
import { Notifications } from '../database/notifications.ts';
import { eventsChannel } from '../events/event-feed.ts';
import { newId } from '../ids.ts';
import { limits } from '../limits.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { inSpanFor } from '../telemetry/spans.ts';
import { CallsInFlight } from './calls-in-flight.ts';
import { bodyOf } from './event-body.ts';
import { pauseOf, retryDelay } from './retry-schedule.ts';
import { signedHeaders } from './signature.ts';
import { type CallResult, WebhookCalls } from './webhook-call.ts';
import { disableWebhook } from './webhook-disabling.ts';
import { WebhooksService } from './webhooks.service.ts';

/** Length of a lease, in seconds. It is longer than a call takes, so two replicas never make the same call at once. */
export const leaseSeconds = 10;

/** A lease older than this is not used, in milliseconds. A replica that stood still may hold a lease that has ended. */
const staleAfterMs = 2_000;

/** The log is looked at in this interval for events whose notification was lost, in milliseconds. */
const feedEveryMs = 1_000;

/** Largest number of deliveries that one step makes from the log. */
const fedAtOnce = 200;

/** A delivery that this replica has leased, as `lease_webhook_deliveries` returns it. */
const leasedDelivery = z.object({
  tenant_id: z.string(),
  id: z.string(),
  webhook_id: z.string(),
  reason: z.string(),
  place: z.coerce.number(),
  event: z.string(),
  type: z.string(),
  space_id: z.string().nullable(),
  user_id: z.string().nullable(),
  at: z.date(),
  data: z.record(z.string(), z.unknown()),
  attempts: z.int(),
  age_seconds: z.number(),
  is_unsteady: z.boolean(),
  url: z.string(),
  secret: z.instanceof(Uint8Array),
  previous_secret: z.instanceof(Uint8Array).nullable(),
});
type LeasedDelivery = z.output<typeof leasedDelivery>;

/** The outcome of an attempt, as `finish_webhook_deliveries` takes it. */
interface Outcome {
  tenant: string;
  webhook: string;
  id: string;
  attempt: number;
  state: 'delivered' | 'failed' | 'pending';
  status: number | null;
  answer: string | null;
  error: string | null;
  retrySeconds: number | null;
  pauseSeconds: number | null;
}

/** An endpoint that is to be disabled, as `finish_webhook_deliveries` returns it. */
const toDisable = z.object({
  tenant_id: z.string(),
  webhook_id: z.string(),
  because: z.enum(['gone', 'failing']),
});

/**
 * Sends events to webhook endpoints. Every replica sends. Leases keep two replicas from making the same call, and bound what
 * all of them do at the same time for a tenant and an endpoint. What a replica was sending when it ended is sent again when
 * its lease is over.
 */
@Injectable()
export class WebhookSender extends BackgroundWork {
  protected readonly everyMs = 250;
  private readonly calls: WebhookCalls;
  private readonly inFlight = new CallsInFlight();
  private outcomes: Outcome[] = [];
  private recording: Promise<void> | undefined;
  /** Tenants whose logs have new events; null: look at all. */
  private readonly woken = new Set<string | null>([null]);
  private fedAt = performance.now();
  private lastStep: Promise<void> = Promise.resolve();
  private nextStep: Promise<void> | undefined;
  private hasStopped = false;

  constructor(
    private readonly database: Database,
    private readonly webhooks: WebhooksService,
    private readonly clock: DatabaseClock,
    private readonly metrics: Metrics,
    settings: Settings,
    notifications: Notifications,
  ) {
    super();
    notifications.listen(eventsChannel, (tenantId) => this.wake(tenantId));
    this.calls = new WebhookCalls({
      allowPrivateAddresses: settings.webhooksAllowPrivateAddresses,
    });
  }

  /** Sends soon what there is to send. @param tenantId whose log has new events; undefined: no log has. */
  wake(tenantId?: string): void {
    if (this.hasStopped) return;
    if (tenantId !== undefined) this.woken.add(tenantId);
    // A failure is logged by the next run of the background.
    void this.step().catch(() => undefined);
  }

  async run(): Promise<void> {
    if (performance.now() - this.fedAt > feedEveryMs) this.woken.add(null);
    await this.step();
  }

  override async beforeApplicationShutdown(): Promise<void> {
    this.hasStopped = true;
    await super.beforeApplicationShutdown();
    await this.lastStep.catch(() => undefined);
    await this.inFlight.ended();
    await this.recording;
    this.calls.close();
  }

  /** Makes deliveries of new events, and starts what is due. Steps run one after the other; those that wait are one. */
  private async step(): Promise<void> {
    this.nextStep ??= this.lastStep
      .catch(() => undefined)
      .then(async () => {
        this.lastStep = this.nextStep ?? this.lastStep;
        this.nextStep = undefined;
        const hasMore = await this.feed();
        while (!this.hasStopped && (await this.lease()) > 0);
        if (hasMore) this.wake();
      });
    await this.nextStep;
  }

  /** Returns whether there are more deliveries to make. */
  private async feed(): Promise<boolean> {
    const [tenant] = this.woken.has(null) ? [null] : this.woken;
    if (tenant === undefined) return false;
    if (tenant === null) {
      this.woken.clear();
      this.fedAt = performance.now();
    } else this.woken.delete(tenant);
    const ids = Array.from({ length: fedAtOnce }, () => newId('whd'));
    const hasMore = await this.database.value('feed_webhooks', { tenant, ids, limits }, z.boolean());
    if (hasMore) this.woken.add(tenant);
    return this.woken.size > 0;
  }

  /** Leases due deliveries and starts their calls. Returns how many. */
  private async lease(): Promise<number> {
    const leasedAt = performance.now();
    const { limit, unsteady } = this.inFlight.free(leasedAt);
    if (limit === 0) return 0;
    const args = { limit, unsteady, lease: `${leaseSeconds} seconds`, limits };
    const leased = await this.database.call('lease_webhook_deliveries', args, leasedDelivery);
    for (const delivery of leased) this.start(delivery, leasedAt);
    return leased.length;
  }

  /** @param leasedAt time before the lease, in milliseconds of `performance.now()`. The replica may have stood still since. */
  private start(delivery: LeasedDelivery, leasedAt: number): void {
    const work = this.attempt(delivery, leasedAt).catch((error: unknown) => {
      // The lease ends by itself. Then a replica sends the webhook again.
      this.partFailed(error, 'a webhook could not be sent', { webhookId: delivery.webhook_id });
    });
    this.inFlight.add(work, { isUnsteady: delivery.is_unsteady, since: leasedAt });
  }

  private async attempt(delivery: LeasedDelivery, leasedAt: number): Promise<void> {
    const { id, body } = bodyOf(delivery);
    const sealed = [delivery.secret, delivery.previous_secret];
    const keys = await this.webhooks.open(delivery.tenant_id, delivery.webhook_id, sealed);
    if (performance.now() - leasedAt > staleAfterMs) return;
    const began = performance.now();
    const headers = signedHeaders(id, body, keys, this.clock.now());
    const { actionId } = delivery.data;
    const cause = typeof actionId === 'string' ? actionId : undefined;
    const result = await inSpanFor(delivery.id, 'send webhook', cause, (ofTrace) =>
      this.calls.post(delivery.webhook_id, delivery.url, { ...headers, ...ofTrace }, body),
    );
    const seconds = (performance.now() - began) / 1_000;
    this.metrics.webhookCalls.observe({ result: result.fault ?? 'delivered' }, seconds);
    if (result.fault === null && delivery.reason === 'event') {
      this.metrics.webhookDelay.observe((this.clock.now().getTime() - delivery.at.getTime()) / 1_000);
    }
    this.outcomes.push(outcomeOf(delivery, result, seconds, this.clock.now()));
    this.recording ??= this.record().finally(() => (this.recording = undefined));
  }

  /** Records outcomes, those that came in while others were recorded together. */
  private async record(): Promise<void> {
    while (this.outcomes.length > 0) {
      const outcomes = JSON.stringify(this.outcomes.splice(0));
      try {
        const disable = await this.database.call('finish_webhook_deliveries', { outcomes, limits }, toDisable);
        for (const { tenant_id, webhook_id, because } of disable) {
          await disableWebhook(this.database, this.clock, {
            tenantId: tenant_id,
            id: webhook_id,
            because,
          });
        }
      } catch (error) {
        this.partFailed(error, 'the outcomes of webhooks could not be recorded; they are sent again');
      }
      this.wake(); // places are free, and the next event of a space may be due
    }
  }
}

function outcomeOf(delivery: LeasedDelivery, result: CallResult, callSeconds: number, now: Date): Outcome {
  const { status, answer, fault } = result;
  const retrySeconds = fault === null ? null : (retryDelay(delivery.age_seconds + callSeconds) ?? null);
  return {
    tenant: delivery.tenant_id,
    webhook: delivery.webhook_id,
    id: delivery.id,
    attempt: delivery.attempts,
    state: fault === null ? 'delivered' : retrySeconds === null ? 'failed' : 'pending',
    status,
    answer,
    error: fault,
    retrySeconds,
    pauseSeconds: fault === null ? null : (pauseOf(result.retryAfter, now) ?? null),
  };
}
