import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Settings } from '../config.ts';
import { Database } from '../database/database.ts';
import { limits } from '../limits.ts';

/** Largest number of steps of one run. So one run of a day with many events does not hold up a stop of the service. */
const stepsOfRun = 1_000;

/** Drops events that are older than the retention, in steps. */
@Injectable()
export class EventRetention extends BackgroundWork {
  protected readonly everyMs = 60_000;

  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
  ) {
    super();
  }

  /** @param olderThan a Postgres interval. */
  async run(olderThan = `${this.settings.eventRetentionDays} days`): Promise<void> {
    const most = limits.sweptAtOnce;
    for (let steps = 0; steps < stepsOfRun; steps++) {
      const dropped = await this.database.value('drop_old_events', { olderThan, most }, z.coerce.number());
      if (dropped === 0) return;
    }
  }
}
