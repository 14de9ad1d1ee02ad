import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { audit } from '../audit/audit.ts';
import type { TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database, ReadDatabase, type Tx } from '../database/database.ts';
import type { Webhook as WebhookRow } from '../database/generated/client.ts';
import { callIn } from '../database/sql-call.ts';
import { invalid, notFound } from '../errors.ts';
import { idKeys, type ListQuery, type Page, readCursor, toPage } from '../http/paging.ts';
import { newId } from '../ids.ts';
import { faultOfUrl } from '../outgoing/addresses.ts';
import { RefusedAddress, resolve } from '../outgoing/resolve.ts';
import { assertBelowQuota } from '../quotas.ts';
import { Secrets } from '../secrets/secrets.ts';
import { newSecret, secretText } from './signature.ts';
import type {
  CreateWebhookBody,
  RotateWebhookBody,
  UpdateWebhookBody,
  Webhook,
  WebhookWithSecret,
} from './webhooks.schemas.ts';

/** Longest look-up of the name in a new URL, in milliseconds. */
const lookUpMs = 3_000;

const logBounds = z.object({ last_position: z.coerce.bigint() });

/** The webhook endpoints of a tenant. `WebhookSender` sends to them. */
@Injectable()
export class WebhooksService {
  constructor(
    private readonly database: Database,
    private readonly reads: ReadDatabase,
    private readonly secrets: Secrets,
    private readonly settings: Settings,
    private readonly clock: DatabaseClock,
  ) {}

  /** Creates an endpoint. Events that come into the log from now on are sent to it. */
  async create(caller: TenantCaller, body: CreateWebhookBody): Promise<WebhookWithSecret> {
    await this.assertAllowed(body.url);
    const { tenantId } = caller;
    const id = newId('whk');
    const key = newSecret();
    const secret = await this.seal(tenantId, id, key);
    const row = await this.database.inTenantOf(caller, async (tx) => {
      const existing = { tenantId, deletedAt: null };
      await assertBelowQuota(tx, tenantId, 'webhooks', (take) => tx.webhook.count({ where: existing, take }));
      const [log] = await callIn(tx, 'event_log_bounds', { tenant: tenantId }, logBounds);
      const { url, types = [], ordered, description = null } = body;
      const position = log?.last_position ?? 0n;
      const created = await tx.webhook.create({
        data: {
          tenantId,
          id,
          url,
          types,
          ordered,
          description,
          position,
          secret,
        },
      });
      await audit(tx, caller, {
        action: 'webhook.create',
        tenantId,
        subject: id,
        details: { url, types, ordered },
        answer: () => ({ status: 201, body: { id } }), // never the secret
      });
      return created;
    });
    return { ...toWebhook(row, this.clock.now()), secret: secretText(key) };
  }

  async list(caller: TenantCaller, query: ListQuery): Promise<Page<Webhook>> {
    const after = readCursor(query.cursor, idKeys('whk'));
    const rows = await this.reads.inTenantOf(caller, (tx) =>
      tx.webhook.findMany({
        where: {
          tenantId: caller.tenantId,
          deletedAt: null,
          ...(after !== undefined && { id: { gt: after } }),
        },
        orderBy: { id: 'asc' },
        take: query.limit + 1,
      }),
    );
    const now = this.clock.now();
    return toPage(
      rows,
      query.limit,
      (row) => row.id,
      (row) => toWebhook(row, now),
    );
  }

  async get(caller: TenantCaller, id: string): Promise<Webhook> {
    const row = await this.reads.inTenantOf(caller, (tx) => findWebhook(tx, caller.tenantId, id));
    return toWebhook(row, this.clock.now());
  }

  /** Changes an endpoint. If it may succeed now where it failed before, what is open is sent again soon. */
  async update(caller: TenantCaller, id: string, body: UpdateWebhookBody): Promise<Webhook> {
    if (body.url !== undefined) await this.assertAllowed(body.url);
    const { tenantId } = caller;
    const row = await this.database.inTenantOf(caller, async (tx) => {
      const old = await lockWebhook(tx, tenantId, id);
      const { url, types, description, enabled } = body;
      const now = this.clock.now();
      const isFresh = url !== undefined || (enabled === true && old.disabledAt !== null);
      const updated = await tx.webhook.update({
        where: { tenantId_id: { tenantId, id } },
        data: {
          ...(url !== undefined && { url }),
          ...(types !== undefined && { types: types ?? [] }),
          ...(description !== undefined && { description }),
          ...(enabled === false &&
            old.disabledAt === null && {
              disabledAt: now,
              disabledBecause: 'request',
            }),
          ...(enabled === true && { disabledAt: null, disabledBecause: null }),
          ...(isFresh && {
            failures: 0,
            failingSince: null,
            pausedUntil: new Date(0),
          }),
          updatedAt: now,
        },
      });
      if (isFresh) await sendAgainNow(tx, tenantId, id, now);
      await audit(tx, caller, {
        action: 'webhook.update',
        tenantId,
        subject: id,
        details: {
          changed: Object.keys(body),
          url: updated.url,
          enabled: updated.disabledAt === null,
        },
        answer: () => ({ status: 200, body: toWebhook(updated, now) }),
      });
      return updated;
    });
    return toWebhook(row, this.clock.now());
  }

  /** Deletes an endpoint. Its deliveries are deleted in the background. */
  async remove(caller: TenantCaller, id: string): Promise<void> {
    const { tenantId } = caller;
    await this.database.inTenantOf(caller, async (tx) => {
      const { url } = await lockWebhook(tx, tenantId, id);
      await tx.webhook.update({
        where: { tenantId_id: { tenantId, id } },
        data: {
          deletedAt: this.clock.now(),
          secret: new Uint8Array(),
          previousSecret: null,
        },
      });
      const answer = () => ({ status: 204 });
      await audit(tx, caller, {
        action: 'webhook.delete',
        tenantId,
        subject: id,
        details: { url },
        answer,
      });
    });
  }

  /** Gives an endpoint a new secret. The one before signs as well for `graceSeconds`. */
  async rotate(caller: TenantCaller, id: string, { graceSeconds }: RotateWebhookBody): Promise<WebhookWithSecret> {
    const { tenantId } = caller;
    const key = newSecret();
    const secret = await this.seal(tenantId, id, key);
    const row = await this.database.inTenantOf(caller, async (tx) => {
      const old = await lockWebhook(tx, tenantId, id);
      const now = this.clock.now();
      const hasGrace = graceSeconds > 0;
      const updated = await tx.webhook.update({
        where: { tenantId_id: { tenantId, id } },
        data: {
          secret,
          previousSecret: hasGrace ? old.secret : null,
          previousUntil: hasGrace ? new Date(now.getTime() + graceSeconds * 1_000) : null,
          updatedAt: now,
        },
      });
      await audit(tx, caller, {
        action: 'webhook.rotate',
        tenantId,
        subject: id,
        details: { graceSeconds },
        answer: () => ({ status: 200, body: { id } }), // never the secret
      });
      return updated;
    });
    return { ...toWebhook(row, this.clock.now()), secret: secretText(key) };
  }

  /** The keys that sign for an endpoint, as `lease_webhook_deliveries` returns them. */
  async open(tenantId: string, id: string, sealed: readonly (Uint8Array | null)[]): Promise<Buffer[]> {
    const owner = ownerOf(tenantId, id);
    return await Promise.all(sealed.filter((one) => one !== null).map((one) => this.secrets.open(one, owner)));
  }

  private async seal(tenantId: string, id: string, key: Buffer): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await this.secrets.seal(key, ownerOf(tenantId, id)));
  }

  /** @throws Problem `invalid_request` if nothing may be sent to this URL. A name that cannot be resolved yet is allowed. */
  private async assertAllowed(url: string): Promise<void> {
    const allowPrivateAddresses = this.settings.webhooksAllowPrivateAddresses;
    const fault = faultOfUrl(url, allowPrivateAddresses);
    if (fault !== undefined) throw invalid('url', fault);
    await resolve(new URL(url), { allowPrivateAddresses }, AbortSignal.timeout(lookUpMs)).catch((error: unknown) => {
      if (error instanceof RefusedAddress) throw invalid('url', 'must be at a public address');
    });
  }
}

/** The present secret and the one before are sealed alike, so that a rotation can move the one to the other. */
function ownerOf(tenantId: string, id: string) {
  return { tenantId, column: 'webhooks.secret', id };
}

/** @throws Problem `not_found` */
export async function findWebhook(tx: Tx, tenantId: string, id: string): Promise<WebhookRow> {
  const row = await tx.webhook.findUnique({
    where: { tenantId_id: { tenantId, id }, deletedAt: null },
  });
  if (!row) throw notFound('webhook endpoint');
  return row;
}

/** Locks an endpoint until the transaction ends, so that its deliveries stay as they are. @throws Problem `not_found` */
export async function lockWebhook(tx: Tx, tenantId: string, id: string): Promise<WebhookRow> {
  await tx.$queryRaw`select from webhooks where tenant_id = ${tenantId} and id = ${id} for no key update`;
  return await findWebhook(tx, tenantId, id);
}

/** Makes the open deliveries of an endpoint due, and gives each three days again. */
async function sendAgainNow(tx: Tx, tenantId: string, webhookId: string, now: Date): Promise<void> {
  await tx.webhookDelivery.updateMany({
    where: { tenantId, webhookId, state: 'pending' },
    data: { nextAt: now, triedSince: null },
  });
}

/** An endpoint as answers show it. */
export function toWebhook(row: WebhookRow, now: Date): Webhook {
  const typesOrNull = (types: string[]) => (types.length === 0 ? null : types);
  const hasOldSecret = row.previousSecret !== null && row.previousUntil !== null && row.previousUntil > now;
  return {
    id: row.id,
    url: row.url,
    types: typesOrNull(row.types),
    ordered: row.ordered as Webhook['ordered'],
    description: row.description,
    enabled: row.disabledAt === null,
    disabledAt: row.disabledAt?.toISOString() ?? null,
    disabledBecause: row.disabledBecause as Webhook['disabledBecause'],
    failingSince: row.failingSince?.toISOString() ?? null,
    oldSecretUntil: hasOldSecret ? (row.previousUntil?.toISOString() ?? null) : null,
    replay:
      row.replayPosition !== null && row.replaySince !== null
        ? {
            since: row.replaySince.toISOString(),
            types: typesOrNull(row.replayTypes),
          }
        : null,
    skippedEvents: Number(row.skippedEvents),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}
