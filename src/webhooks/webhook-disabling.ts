import { auditBeside } from '../audit/audit.ts';
import type { DatabaseClock } from '../database/database-clock.ts';
import { type Database, systemScope } from '../database/database.ts';

/** Why the service disables an endpoint: the receiver answered 410, or all attempts of five days failed. */
export type DisableReason = 'gone' | 'failing';

/** Disables an endpoint that nobody can be reached at. Its open deliveries wait until it is enabled again. */
export async function disableWebhook(
  database: Database,
  clock: DatabaseClock,
  { tenantId, id, because }: { tenantId: string; id: string; because: DisableReason },
): Promise<void> {
  await database.inScope(systemScope(tenantId), async (tx) => {
    const { count } = await tx.webhook.updateMany({
      where: { tenantId, id, disabledAt: null, deletedAt: null },
      data: { disabledAt: clock.now(), disabledBecause: because },
    });
    if (count === 0) return;
    const { url } = await tx.webhook.findUniqueOrThrow({
      where: { tenantId_id: { tenantId, id } },
    });
    await auditBeside(
      tx,
      { kind: 'system', id: 'webhooks' },
      {
        action: 'webhook.disable',
        tenantId,
        subject: id,
        details: { url, because },
        events: [{ type: 'webhook.disabled', data: { webhookId: id, because } }],
      },
    );
  });
}
