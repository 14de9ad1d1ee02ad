import { Injectable, Logger } from '@nestjs/common';
import { BackgroundWork } from '../background.ts';
import { ModerationDatabase } from '../database/database.ts';
import { Metrics } from '../telemetry/metrics.ts';

/** Bans looked at in one run, so that it takes no longer the more there are. */
const atOnce = 20_000;

const start = { tenantId: '', banId: '' };

/** Asks every quarter of a minute whether what must always hold does, and tells the metrics. */
@Injectable()
export class Watchdog extends BackgroundWork {
  protected readonly everyMs = 15_000;
  private readonly logger = new Logger(Watchdog.name);
  /** The ban to go on after. With more than one run can look at, a pass takes several. */
  private position = start;
  private foundInThisPass = 0;
  private foundInLastPass = 0;

  constructor(
    private readonly database: ModerationDatabase,
    private readonly metrics: Metrics,
  ) {
    super();
  }

  async run(): Promise<void> {
    const [calls] = await this.database.call<{ stuck: string; overdue: string }>(
      'watchdog',
      'select stuck_targets() as stuck, overdue_targets() as overdue',
      [],
    );
    this.metrics.stuckTargets.set(Number(calls?.stuck));
    this.metrics.overdueTargets.set(Number(calls?.overdue));
    await this.lookAtBans();
    this.metrics.undeliveredBans.set(Math.max(this.foundInThisPass, this.foundInLastPass));
  }

  private async lookAtBans(): Promise<void> {
    const { tenantId, banId } = this.position;
    const [found] = await this.database.call<{ tenant_id: string | null; ban_id: string | null; grants: string }>(
      'bans-without-delivery',
      'select * from bans_without_delivery($1, $2, $3)',
      [tenantId, banId, atOnce],
    );
    if (!found) return;
    this.foundInThisPass += Number(found.grants);
    if (found.grants !== '0') {
      this.logger.error({ grants: found.grants }, 'banned users hold grants that nothing is being done about');
    }
    if (found.tenant_id !== null && found.ban_id !== null) {
      this.position = { tenantId: found.tenant_id, banId: found.ban_id };
    } else {
      this.position = start;
      this.foundInLastPass = this.foundInThisPass;
      this.foundInThisPass = 0;
    }
  }
}
