import { z } from 'zod';
import type { Tx } from './database/database.ts';
import { valueIn } from './database/sql-call.ts';
import { Problem } from './errors.ts';
import { limits, quotas } from './limits.ts';

/** Kinds of things that a tenant may have only so many of. */
export type QuotaKind = keyof typeof quotas;

const namesOf: Record<QuotaKind, string> = {
  spaces: 'spaces',
  apiKeys: 'API keys',
  signingKeys: 'signing keys',
  issuers: 'issuers',
  webhooks: 'webhook endpoints',
  consoleIssuers: 'identity providers for the console',
  consoleUsers: 'people of the console',
  members: 'members',
  roles: 'roles',
  bans: 'bans in force',
  notes: 'notes about users',
};

/**
 * Throws if the tenant has as many things of a kind as it may have. To be called before one more is made, in its transaction.
 * Two at once cannot pass the quota.
 * @param count counts the things of the tenant. It may stop at `most`.
 * @throws Problem `quota_exceeded`
 */
export async function assertBelowQuota(
  tx: Tx,
  tenantId: string,
  kind: QuotaKind,
  count: (most: number) => Promise<number>,
): Promise<void> {
  const quota = async (lock: boolean) =>
    await valueIn(tx, 'tenant_quota', { tenant: tenantId, kind, usual: quotas[kind], lock }, z.int());
  const most = await quota(false);
  const { farBelowQuota } = limits;
  if (most > farBelowQuota && (await count(most)) < most - farBelowQuota) return;
  const locked = await quota(true);
  if ((await count(locked)) < locked) return;
  throw quotaExceeded(kind, locked);
}

/** The problem of a tenant that has as many things of a kind as it may have. */
export function quotaExceeded(kind: QuotaKind, most: number): Problem {
  return new Problem(
    'quota_exceeded',
    `The tenant may have ${most} ${namesOf[kind]}. Delete some that are not needed, or ask the operator for more.`,
    { retryAfterSeconds: 60 },
  );
}

/** All quotas of a tenant. @param own those that the operator has set. */
export function quotasOf(own: unknown): Record<QuotaKind, number> {
  return { ...quotas, ...(own as Partial<Record<QuotaKind, number>>) };
}
