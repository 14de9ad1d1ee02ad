import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Database } from '../database/database.ts';
import { limits } from '../limits.ts';

/** Time after which a run begins no further statement, in milliseconds. The next run goes on. */
const runMs = 1_000;

const sweptRow = z.object({ tenant_id: z.string(), dropped: z.coerce.number() });

/** Drops events of IVS that are not kept any longer, one tenant after the other. */
@Injectable()
export class IvsEventSweeper extends BackgroundWork {
  protected readonly everyMs = 60_000;
  /** The last tenant whose events are swept. A pass over many tenants takes several runs. */
  private afterTenant = '';

  constructor(private readonly database: Database) {
    super();
  }

  async run(kept: number = limits.keptIvsEvents): Promise<void> {
    const deadline = performance.now() + runMs;
    const most = limits.sweptAtOnce;
    do {
      const args = { afterTenant: this.afterTenant, olderThan: `${limits.keptIvsEventSeconds} seconds`, kept, most };
      // oxlint-disable-next-line no-await-in-loop -- each statement begins where the one before has ended
      const [swept] = await this.database.call('sweep_ivs_events', args, sweptRow);
      if (!swept) {
        this.afterTenant = '';
        return;
      }
      if (swept.dropped < most) this.afterTenant = swept.tenant_id;
    } while (performance.now() < deadline);
  }
}
