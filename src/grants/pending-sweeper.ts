import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Database } from '../database/database.ts';
import { limits } from '../limits.ts';

/** Refuses grants that stayed pending because their vend was interrupted. Nobody has received their tokens. */
@Injectable()
export class PendingSweeper extends BackgroundWork {
  protected readonly everyMs = 15_000;

  constructor(private readonly database: Database) {
    super();
  }

  /** @param olderThan a Postgres interval. It is longer than any vend takes. */
  async run(olderThan = `${limits.pendingSeconds} seconds`): Promise<void> {
    const most = limits.sweptAtOnce;
    let swept: number;
    do swept = await this.database.value('sweep_pending_grants', { olderThan, most }, z.coerce.number());
    while (swept === most);
  }
}
