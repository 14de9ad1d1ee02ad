import { Injectable } from '@nestjs/common';
import { BackgroundWork } from '../background.ts';
import { Database } from '../database/database.ts';

/** Closes grants whose vend died between its two transactions: their tokens reached nobody. */
@Injectable()
export class PendingSweeper extends BackgroundWork {
  protected readonly everyMs = 15_000;

  constructor(private readonly database: Database) {
    super();
  }

  /** @param olderThan a Postgres interval, longer than any vend takes. */
  async run(olderThan = '1 minute'): Promise<void> {
    await this.database.call('sweep-pending-grants', 'select sweep_pending_grants($1::interval)', [olderThan]);
  }
}
