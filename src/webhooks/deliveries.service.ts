import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { audit } from '../audit/audit.ts';
import type { TenantCaller } from '../caller.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database, ReadDatabase, type Tx } from '../database/database.ts';
import type { Webhook as WebhookRow, WebhookDelivery as DeliveryRow } from '../database/generated/client.ts';
import { callIn, runIn, valueIn } from '../database/sql-call.ts';
import { notFound, Problem, rateLimited } from '../errors.ts';
import { eventId } from '../events/event-id.ts';
import { numberKeys, type Page, readCursor, toPage } from '../http/paging.ts';
import { newId } from '../ids.ts';
import { limits } from '../limits.ts';
import type { DeliveriesQuery, WebhookDelivery } from './deliveries.schemas.ts';
import { testType } from './event-body.ts';
import { WebhookSender } from './webhook-sender.ts';
import type { ReplayWebhookBody, Webhook } from './webhooks.schemas.ts';
import { findWebhook, lockWebhook, toWebhook } from './webhooks.service.ts';

/** A row of `page_of_webhook_deliveries`. */
const listedDelivery = z.object({
  id: z.string(),
  webhook_id: z.string(),
  seq: z.coerce.string(),
  reason: z.string(),
  position: z.coerce.number(),
  event: z.string(),
  type: z.string(),
  space_id: z.string().nullable(),
  behind: z.boolean(),
  state: z.string(),
  attempts: z.int(),
  next_at: z.date(),
  attempted_at: z.date().nullable(),
  status: z.int().nullable(),
  answer: z.string().nullable(),
  error: z.string().nullable(),
  created_at: z.date(),
  done_at: z.date().nullable(),
});
type ListedDelivery = z.output<typeof listedDelivery>;

/** What was sent to an endpoint, and what is sent again. */
@Injectable()
export class DeliveriesService {
  constructor(
    private readonly database: Database,
    private readonly reads: ReadDatabase,
    private readonly clock: DatabaseClock,
    private readonly sender: WebhookSender,
  ) {}

  /** Lists the deliveries of an endpoint, the newest first. */
  async list(caller: TenantCaller, webhookId: string, query: DeliveriesQuery): Promise<Page<WebhookDelivery>> {
    const { tenantId } = caller;
    const before = readCursor(query.cursor, numberKeys) ?? null;
    const rows = await this.reads.inTenantOf(caller, async (tx) => {
      await findWebhook(tx, tenantId, webhookId);
      const { state = null, limit } = query;
      const args = {
        tenant: tenantId,
        webhook: webhookId,
        state,
        before,
        limit: limit + 1,
      };
      return await callIn(tx, 'page_of_webhook_deliveries', args, listedDelivery);
    });
    return toPage(rows, query.limit, (row) => row.seq, toDelivery);
  }

  /**
   * Sends an event to an endpoint once more, whatever became of it before. Where the order of a space is kept, it comes after
   * the one that is being sent, and before the others of its space.
   */
  async retry(caller: TenantCaller, webhookId: string, id: string): Promise<WebhookDelivery> {
    const { tenantId } = caller;
    return await this.change(caller, webhookId, 'webhook.retry', async (tx, webhook) => {
      const where = { tenantId_id: { tenantId, id }, webhookId };
      const old = await tx.webhookDelivery.findUnique({ where });
      if (!old) throw notFound('delivery');
      assertEnabled(webhook);
      if (old.state !== 'pending') await assertRoom(tx, tenantId, webhookId);
      const data = {
        nextAt: this.clock.now(),
        ...(old.state !== 'pending' && {
          state: 'pending',
          triedSince: null,
          doneAt: null,
          behind: old.chain !== null,
        }),
      };
      const opened = await tx.webhookDelivery.update({ where, data });
      if (!opened.behind) return fromRow(opened);
      await runIn(tx, 'line_up_chain', { tenant: tenantId, webhook: webhookId, chain: opened.chain });
      return fromRow(await tx.webhookDelivery.findUniqueOrThrow({ where }));
    });
  }

  /** Sends a test event to an endpoint alone. */
  async test(caller: TenantCaller, webhookId: string): Promise<WebhookDelivery> {
    const { tenantId } = caller;
    return await this.change(caller, webhookId, 'webhook.test', async (tx, webhook) => {
      assertEnabled(webhook);
      await assertRoom(tx, tenantId, webhookId);
      const data = {
        tenantId,
        id: newId('whd'),
        webhookId,
        reason: 'test',
        position: 0,
        event: randomUUID(),
        type: testType,
        at: this.clock.now(),
        data: { webhookId },
      };
      return fromRow(await tx.webhookDelivery.create({ data }));
    });
  }

  /**
   * Sends all past events of an endpoint since a time once more, in the order of the log. It takes the place of a replay that
   * is under way. What the endpoint has not been sent yet comes after it, as always.
   */
  async replay(caller: TenantCaller, webhookId: string, { since, types }: ReplayWebhookBody): Promise<Webhook> {
    const { tenantId } = caller;
    const row = await this.database.inTenantOf(caller, async (tx) => {
      const old = await lockWebhook(tx, tenantId, webhookId);
      assertEnabled(old);
      const from = await valueIn(tx, 'place_before_time', { tenant: tenantId, since }, z.coerce.bigint());
      const isEmpty = from >= old.position;
      const updated = await tx.webhook.update({
        where: { tenantId_id: { tenantId, id: webhookId } },
        data: {
          replayPosition: isEmpty ? null : from,
          replayUntil: old.position,
          replaySince: since,
          replayTypes: types ?? [],
        },
      });
      await audit(tx, caller, {
        action: 'webhook.replay',
        tenantId,
        subject: webhookId,
        details: { since, types: types ?? null },
        answer: () => ({
          status: 202,
          body: toWebhook(updated, this.clock.now()),
        }),
      });
      return updated;
    });
    this.sender.wake(tenantId);
    return toWebhook(row, this.clock.now());
  }

  /** Makes a delivery due by `work`, and sends it soon. */
  private async change(
    caller: TenantCaller,
    webhookId: string,
    action: string,
    work: (tx: Tx, webhook: WebhookRow) => Promise<WebhookDelivery>,
  ): Promise<WebhookDelivery> {
    const { tenantId } = caller;
    const delivery = await this.database.inTenantOf(caller, async (tx) => {
      const made = await work(tx, await lockWebhook(tx, tenantId, webhookId));
      await audit(tx, caller, {
        action,
        tenantId,
        subject: webhookId,
        details: { deliveryId: made.id, eventId: made.eventId },
        answer: () => ({ status: 202, body: made }),
      });
      return made;
    });
    this.sender.wake();
    return delivery;
  }
}

/** @throws Problem `conflict` */
function assertEnabled({ disabledAt }: WebhookRow): void {
  if (disabledAt === null) return;
  throw new Problem('conflict', 'The webhook endpoint is disabled. Enable it with PATCH first.');
}

/** @throws Problem `rate_limited` if so much is to be sent to the endpoint that nothing more is taken. */
async function assertRoom(tx: Tx, tenant: string, webhook: string): Promise<void> {
  const most = limits.openWebhookDeliveries;
  if ((await valueIn(tx, 'open_webhook_deliveries', { tenant, webhook, most }, z.int())) < most) return;
  const detail = `${most} deliveries of this webhook endpoint are open. Wait until the receiver has taken some.`;
  throw rateLimited(detail, { policy: 'open-deliveries', quota: most, retryAfterSeconds: 60 });
}

function fromRow(row: DeliveryRow): WebhookDelivery {
  return toDelivery({
    ...row,
    webhook_id: row.webhookId,
    seq: String(row.seq),
    position: Number(row.position),
    space_id: row.spaceId,
    next_at: row.nextAt,
    attempted_at: row.attemptedAt,
    created_at: row.createdAt,
    done_at: row.doneAt,
  });
}

function toDelivery(row: ListedDelivery): WebhookDelivery {
  const isNext = row.state === 'pending' && !row.behind;
  return {
    id: row.id,
    webhookId: row.webhook_id,
    reason: row.reason as WebhookDelivery['reason'],
    eventId: eventId(row.position, row.event),
    type: row.type,
    spaceId: row.space_id,
    state: row.state as WebhookDelivery['state'],
    attempts: row.attempts,
    attemptedAt: row.attempted_at?.toISOString() ?? null,
    nextAttemptAt: isNext ? row.next_at.toISOString() : null,
    status: row.status,
    answer: row.answer,
    error: row.error as WebhookDelivery['error'],
    createdAt: row.created_at.toISOString(),
    doneAt: row.done_at?.toISOString() ?? null,
  };
}
