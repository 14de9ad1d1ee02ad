import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Settings } from '../config.ts';
import { Database } from '../database/database.ts';
import { limits } from '../limits.ts';

/** Largest number of steps of one run. So one run with many sessions does not hold up a stop of the service. */
const stepsOfRun = 1_000;

/** Drops sessions that ended longer ago than events are kept, in steps. */
@Injectable()
export class SessionRetention extends BackgroundWork {
  protected readonly everyMs = 60_000;

  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
  ) {
    super();
  }

  /** @param olderThan a Postgres interval. */
  async run(olderThan = `${this.settings.eventRetentionDays} days`): Promise<void> {
    for (let steps = 0; steps < stepsOfRun; steps++) {
      const most = limits.sweptAtOnce;
      const dropped = await this.database.value('drop_old_sessions', { olderThan, most }, z.coerce.number());
      if (dropped === 0) return;
    }
  }
}
