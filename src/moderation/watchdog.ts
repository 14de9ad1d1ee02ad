import { Injectable, Logger } from '@nestjs/common';
import { BackgroundWork } from '../background.ts';
import { ModerationDatabase } from '../database/database.ts';
import { Metrics } from '../telemetry/metrics.ts';

/** Asks every quarter of a minute whether what must always hold does, and tells the metrics. */
@Injectable()
export class Watchdog extends BackgroundWork {
  protected readonly everyMs = 15_000;
  private readonly logger = new Logger(Watchdog.name);

  constructor(
    private readonly database: ModerationDatabase,
    private readonly metrics: Metrics,
  ) {
    super();
  }

  async run(): Promise<void> {
    const [row] = await this.database.call<{ stuck: string; overdue: string; undelivered: string }>(
      'watchdog',
      `select stuck_targets() as stuck, overdue_targets() as overdue,
              (select count(*) from bans_without_delivery()) as undelivered`,
      [],
    );
    if (!row) return;
    this.metrics.stuckTargets.set(Number(row.stuck));
    this.metrics.overdueTargets.set(Number(row.overdue));
    this.metrics.undeliveredBans.set(Number(row.undelivered));
    if (row.undelivered !== '0') {
      this.logger.error({ grants: row.undelivered }, 'banned users hold grants that nothing is being done about');
    }
  }
}
