import type { Tx } from '../database/database.ts';
import type { IvsAccount } from '../ivs/ivs-clients.ts';

/** Where a tenant's stages and rooms live. */
export async function accountOf(tx: Tx, tenantId: string): Promise<IvsAccount> {
  return await tx.tenant.findUniqueOrThrow({
    where: { id: tenantId },
    select: { region: true, awsRoleArn: true, awsExternalId: true },
  });
}
