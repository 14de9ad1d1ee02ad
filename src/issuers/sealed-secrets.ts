import type { SealedColumn } from '../secrets/sealed-columns.ts';

/** The shared secrets of issuers. */
export const sealedSecrets: SealedColumn = {
  column: 'issuers.secret',
  values: 'sealed_issuers',
  counts: 'seals_of_issuers',
  replace: (tx, { tenantId, id, sealed }, secret) =>
    tx.issuer.updateMany({ where: { tenantId, id, secret: sealed }, data: { secret } }),
};
