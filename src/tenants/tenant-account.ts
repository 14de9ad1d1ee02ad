import type { Tx } from '../database/database.ts';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
import type { Secrets } from '../secrets/secrets.ts';

/** Where a tenant's stages and rooms live. */
export async function accountOf(tx: Tx, tenantId: string): Promise<IvsAccount> {
  return await tx.tenant.findUniqueOrThrow({
    where: { id: tenantId },
    select: { region: true, awsRoleArn: true, awsExternalId: true },
  });
}

/** A user as IVS is to know him by what is given to him now; what he holds from before says itself under which name. */
export async function ivsUserIdOf(tx: Tx, secrets: Secrets, tenantId: string, userId: string): Promise<string> {
  const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId }, select: { ivsUserIds: true } });
  return tenant.ivsUserIds === 'pseudonym' ? secrets.pseudonym(tenantId, userId) : userId;
}
