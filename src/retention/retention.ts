import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { WorkInPasses } from '../background.ts';
import { Settings } from '../config.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database } from '../database/database.ts';
import { limits } from '../limits.ts';
import { type Kept, keptDays } from './kept-days.ts';

const stepRow = z.object({ dropped: z.coerce.number(), reached: z.union([z.date(), z.string()]).nullable() });

/**
 * Deletes what its tenant does not keep any more: deliveries, actions, bans that have ended, and grants, after the days of
 * grants; API keys that have ended, deleted spaces and finished erasures, after the days of the audit log. A pass goes over
 * all tenants in small steps, each a transaction of its own. What a step has deleted is deleted: a pass that a restart has
 * ended begins anew, and finds what is left. Steps of two replicas at the same time do no harm.
 */
@Injectable()
export class Retention extends WorkInPasses {
  protected readonly passMs = 3_600_000;

  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
    private readonly clock: DatabaseClock,
  ) {
    super();
  }

  protected async *pass(): AsyncGenerator<void> {
    const { grantRetentionDays, auditRetentionDays } = this.settings;
    for await (const kept of keptDays(this.database, 'grants', grantRetentionDays))
      yield* this.tryOver(kept, (tenant, before) => this.ledgerOf(tenant, before));
    for await (const kept of keptDays(this.database, 'audit', auditRetentionDays))
      yield* this.tryOver(kept, (tenant, before) => this.recordsOf(tenant, before));
  }

  private async *tryOver(
    { tenantId, before }: Kept,
    steps: (tenantId: string, before: Date) => AsyncGenerator<void>,
  ): AsyncGenerator<void> {
    try {
      yield* steps(tenantId, before(this.clock.now()));
    } catch (error) {
      this.partFailed(error, 'Old rows of a tenant were not deleted. The next pass tries again.', { tenantId });
    }
  }

  /** The order matters: an action stays while it has holds or deliveries, and a ban and a grant while they have either. */
  private async *ledgerOf(tenant: string, before: Date): AsyncGenerator<void> {
    yield* this.whileFull('drop_old_holds', tenant, before);
    yield* this.whileFull('drop_old_deliveries', tenant, before);
    yield* this.onwards('drop_old_actions', tenant, before, '');
    yield* this.whileFull('drop_old_bans', tenant, before);
    yield* this.onwards('drop_old_grants', tenant, before, new Date(0));
  }

  /** What entries of the audit log name. A space stays while the ledger has something of it. */
  private async *recordsOf(tenant: string, before: Date): AsyncGenerator<void> {
    yield* this.whileFull('drop_old_api_keys', tenant, before);
    yield* this.onwards('drop_old_spaces', tenant, before, new Date(0));
    yield* this.whileFull('drop_old_erasures', tenant, before);
  }

  /** Calls a function that begins with the oldest row each time. */
  private async *whileFull(name: string, tenant: string, before: Date): AsyncGenerator<void> {
    const most = limits.sweptAtOnce;
    for (let dropped: number = most; dropped === most;) {
      dropped = await this.database.value(name, { tenant, before, most }, z.number());
      yield;
    }
  }

  /** Calls a function that passes over rows that must stay, and says how far it has come. */
  private async *onwards(name: string, tenant: string, before: Date, from: string | Date): AsyncGenerator<void> {
    for (let after: string | Date | null = from; after !== null;) {
      after = await this.reachedBy(name, { tenant, before, after });
      yield;
    }
  }

  private async reachedBy(
    name: string,
    step: { tenant: string; before: Date; after: string | Date },
  ): Promise<string | Date | null> {
    const [done] = await this.database.call(name, { ...step, most: limits.sweptAtOnce }, stepRow);
    return done?.reached ?? null;
  }
}
