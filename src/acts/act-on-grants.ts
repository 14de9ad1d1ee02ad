import type { Tx } from '../database/database.ts';
import type { Prisma } from '../database/generated/client.ts';

/** Which grants are meant: these, in the order they are to be acted on, or what could still matter of a user's. */
export type Grants = string[] | { of: string; spaceId?: string; before?: string };

/** What is to become of their holders. */
export interface Wanted {
  /** Also see to it that what was not used yet is not used. */
  keepOut: boolean;
  /** For participants who were given a lesser token: they may stay, if they exchange theirs for it within this time. */
  exchangeWithinSeconds?: number;
}

/** Writes down the calls to IVS, and the watch, that acting against these grants takes. */
export async function actOnGrants(
  tx: Tx,
  tenantId: string,
  actionId: string,
  grants: Grants,
  { keepOut, exchangeWithinSeconds }: Wanted,
): Promise<void> {
  const ids = Array.isArray(grants) ? grants : await grantsOf(tx, tenantId, grants);
  if (ids.length === 0) return;
  const watchFor = exchangeWithinSeconds === undefined ? 'gone' : 'demoted';
  await tx.$executeRaw`
    select act_on_grants(${tenantId}, ${actionId}, ${ids}, ${keepOut}, ${watchFor},
                         make_interval(secs => ${exchangeWithinSeconds ?? 0}::double precision))`;
}

async function grantsOf(
  tx: Tx,
  tenantId: string,
  { of, spaceId, before }: Exclude<Grants, string[]>,
): Promise<string[]> {
  const [row] = await tx.$queryRaw<{ ids: string[] }[]>`
    select grants_to_act_on(${tenantId}, ${of}, ${spaceId ?? null}, ${before ?? 'infinity'}::timestamptz) as ids`;
  return row?.ids ?? [];
}

/** One call to IVS that an action needs. */
export interface Call {
  spaceId: string;
  operation: 'DisconnectParticipant' | 'DisconnectUser' | 'DeleteMessage' | 'SendEvent';
  arn: string;
  target: string;
  grantId: string | null;
  parameters: Prisma.InputJsonObject;
}

/** Writes down one call; it is tried for a day, which is as long as IVS lets anybody stay on a stage. */
export async function addCall(tx: Tx, tenantId: string, actionId: string, call: Call): Promise<void> {
  await tx.$executeRaw`
    insert into targets (tenant_id, action_id, space_id, account, operation, arn, target, grant_id, parameters, needed_until)
    select ${tenantId}, ${actionId}, ${call.spaceId}, account_key(t), ${call.operation}, ${call.arn}, ${call.target},
           ${call.grantId}, ${JSON.stringify(call.parameters)}::jsonb, now() + interval '24 hours'
      from tenants t where t.id = ${tenantId}`;
}
