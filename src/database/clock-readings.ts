import { Injectable } from '@nestjs/common';
import { BackgroundWork } from '../background.ts';
import { DatabaseClock, readClock } from './database-clock.ts';
import { Database } from './database.ts';

/** Keeps the clock of this replica's decisions with that of the database. */
@Injectable()
export class ClockReadings extends BackgroundWork {
  protected readonly everyMs = 5_000;

  constructor(
    private readonly database: Database,
    private readonly clock: DatabaseClock,
  ) {
    super();
  }

  async run(): Promise<void> {
    this.clock.set(await readClock((sql) => this.database.pool.query<{ ms: number }>(sql)));
  }
}
