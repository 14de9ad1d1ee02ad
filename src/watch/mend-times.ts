import { Injectable } from '@nestjs/common';
import { BackgroundWork } from '../background.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { ModerationDatabase } from '../database/database.ts';
import { longestBackoffSeconds } from '../delivery/delivery.ts';
import { limits } from '../limits.ts';
import { leaseSeconds } from './stage-watch.ts'; // longer than that of a delivery

/**
 * Mends what is planned for too late after the clock of the database was set back. It does so before the service takes
 * requests too, because the clock may have been set back while no replica ran.
 */
@Injectable()
export class MendTimes extends BackgroundWork {
  protected readonly everyMs = 1_000;
  private mended: number | undefined;

  constructor(
    private readonly database: ModerationDatabase,
    private readonly clock: DatabaseClock,
  ) {
    super();
  }

  override async onApplicationBootstrap(): Promise<void> {
    await this.runOnce();
    await super.onApplicationBootstrap();
  }

  async run(): Promise<void> {
    const { stepsBack } = this.clock;
    if (stepsBack === this.mended) return;
    const lease = `${leaseSeconds} seconds`;
    await this.database.run('mend_times', { lease, backoff: `${longestBackoffSeconds} seconds`, limits });
    this.mended = stepsBack;
  }
}
