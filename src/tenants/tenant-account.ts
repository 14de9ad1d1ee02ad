import type { Tx } from '../database/database.ts';
import type { IvsTenant } from '../ivs/ivs-clients.ts';
import type { Secrets } from '../secrets/secrets.ts';

/** A tenant, with the AWS account and Region of its stages and rooms. */
export async function accountOf(tx: Tx, tenantId: string): Promise<IvsTenant> {
  return await tx.tenant.findUniqueOrThrow({
    where: { id: tenantId },
    select: { id: true, region: true, awsRoleArn: true, awsExternalId: true },
  });
}

/** The AWS account in a row of a SQL function, as `aws_account` names its columns. */
export function accountInRow(row: {
  tenant_id: string;
  region: string;
  aws_role_arn: string | null;
  aws_external_id: string | null;
}): IvsTenant {
  return { id: row.tenant_id, region: row.region, awsRoleArn: row.aws_role_arn, awsExternalId: row.aws_external_id };
}

/**
 * The user id that IVS sees in tokens made now: the tenant's own id, or a pseudonym. Tokens made before the tenant changed
 * `ivsUserIds` hold the other one, and their grants record which.
 */
export async function ivsUserIdOf(tx: Tx, secrets: Secrets, tenantId: string, userId: string): Promise<string> {
  const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId }, select: { ivsUserIds: true } });
  return tenant.ivsUserIds === 'pseudonym' ? secrets.pseudonym(tenantId, userId) : userId;
}
