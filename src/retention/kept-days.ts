import { z } from 'zod';
import type { Database } from '../database/database.ts';

const tenantsAtOnce = 100;
const dayMs = 24 * 3_600_000;
const tenantRow = z.object({ tenant_id: z.string(), days: z.number() });

/** For how long a tenant keeps things of a kind. */
export interface Kept {
  tenantId: string;
  /** What is older than this is not kept any more. */
  before(now: Date): Date;
}

/**
 * Goes over all tenants.
 * @param usual the days of the deployment, which are the most.
 */
export async function* keptDays(database: Database, kind: 'grants' | 'audit', usual: number): AsyncGenerator<Kept> {
  for (let after: string | undefined = ''; after !== undefined;) {
    const args = { kind, after, usual, most: tenantsAtOnce };
    const tenants: z.output<typeof tenantRow>[] = await database.call('kept_days', args, tenantRow);
    for (const { tenant_id: tenantId, days } of tenants)
      yield { tenantId, before: (now) => new Date(now.getTime() - days * dayMs) };
    after = tenants.length === tenantsAtOnce ? tenants.at(-1)?.tenant_id : undefined;
  }
}
