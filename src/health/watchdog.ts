import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { ModerationDatabase } from '../database/database.ts';
import { Metrics } from '../telemetry/metrics.ts';

/** Largest number of bans that one run checks, so that its time does not grow with the number of bans. */
const bansAtOnce = 20_000;

/** The position before the first ban. */
const startOfBans = { tenantId: '', banId: '' };

const backlogRow = z.object({ stuck: z.coerce.number(), overdue: z.coerce.number() });
const passRow = z.object({
  tenant_id: z.string().nullable(),
  ban_id: z.string().nullable(),
  grants: z.coerce.number(),
});

/**
 * Checks every 15 seconds that no delivery is stuck or overdue, and that holds cover the grants of all banned users. It sets
 * the metrics for them.
 */
@Injectable()
export class Watchdog extends BackgroundWork {
  protected readonly everyMs = 15_000;
  private readonly logger = new Logger(Watchdog.name);
  /** The last ban that was checked. A pass over many bans takes several runs. */
  private position = startOfBans;
  private foundInThisPass = 0;
  private foundInLastPass = 0;

  constructor(
    private readonly database: ModerationDatabase,
    private readonly metrics: Metrics,
  ) {
    super();
  }

  async run(): Promise<void> {
    const [backlog] = await this.database.call('delivery_backlog', { overdueAfter: '10 seconds' }, backlogRow);
    this.metrics.stuckDeliveries.set(backlog?.stuck ?? 0);
    this.metrics.overdueDeliveries.set(backlog?.overdue ?? 0);
    await this.checkBans();
    this.metrics.undeliveredBans.set(Math.max(this.foundInThisPass, this.foundInLastPass));
  }

  private async checkBans(): Promise<void> {
    const { tenantId, banId } = this.position;
    const [found] = await this.database.call(
      'bans_without_hold',
      { afterTenant: tenantId, afterBan: banId, limit: bansAtOnce },
      passRow,
    );
    if (!found) return;
    this.foundInThisPass += found.grants;
    if (found.grants > 0) {
      this.logger.error({ grants: found.grants }, 'banned users have grants that no action holds');
    }
    if (found.tenant_id !== null && found.ban_id !== null) {
      this.position = { tenantId: found.tenant_id, banId: found.ban_id };
    } else {
      this.position = startOfBans;
      this.foundInLastPass = this.foundInThisPass;
      this.foundInThisPass = 0;
    }
  }
}
