import type { SealedColumn } from '../secrets/sealed-columns.ts';

/** The client secrets of identity providers. */
export const sealedSecrets: SealedColumn = {
  column: 'console_issuers.client_secret',
  values: 'sealed_console_issuers',
  counts: 'seals_of_console_issuers',
  replace: (tx, { tenantId, id, sealed }, clientSecret) =>
    tx.consoleIssuer.updateMany({ where: { tenantId, id, clientSecret: sealed }, data: { clientSecret } }),
};
