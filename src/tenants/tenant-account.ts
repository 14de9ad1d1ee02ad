import type { Tx } from '../database/database.ts';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
import type { Secrets } from '../secrets/secrets.ts';

/** The AWS account and Region of a tenant's stages and rooms. */
export async function accountOf(tx: Tx, tenantId: string): Promise<IvsAccount> {
  return await tx.tenant.findUniqueOrThrow({
    where: { id: tenantId },
    select: { region: true, awsRoleArn: true, awsExternalId: true },
  });
}

/**
 * The user id that IVS sees in tokens made now: the tenant's own id, or a pseudonym. Tokens made before the tenant changed
 * `ivsUserIds` hold the other one, and their grants record which.
 */
export async function ivsUserIdOf(tx: Tx, secrets: Secrets, tenantId: string, userId: string): Promise<string> {
  const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId }, select: { ivsUserIds: true } });
  return tenant.ivsUserIds === 'pseudonym' ? secrets.pseudonym(tenantId, userId) : userId;
}
