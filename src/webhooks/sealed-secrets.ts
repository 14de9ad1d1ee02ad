import type { SealedColumn } from '../secrets/sealed-columns.ts';

/** The secrets of webhook endpoints. The present one and the one before are sealed alike. */
export const sealedSecrets: SealedColumn = {
  column: 'webhooks.secret',
  values: 'sealed_webhooks',
  counts: 'seals_of_webhooks',
  async replace(tx, { tenantId, id, sealed }, secret) {
    await tx.webhook.updateMany({ where: { tenantId, id, secret: sealed }, data: { secret } });
    await tx.webhook.updateMany({ where: { tenantId, id, previousSecret: sealed }, data: { previousSecret: secret } });
  },
};
