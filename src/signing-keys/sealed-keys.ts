import type { SealedColumn } from '../secrets/sealed-columns.ts';

/** The private halves of signing keys. */
export const sealedKeys: SealedColumn = {
  column: 'signing_keys.private_key',
  values: 'sealed_signing_keys',
  counts: 'seals_of_signing_keys',
  replace: (tx, { tenantId, id, sealed }, privateKey) =>
    tx.signingKey.updateMany({ where: { tenantId, id, privateKey: sealed }, data: { privateKey } }),
};
