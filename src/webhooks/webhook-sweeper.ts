import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Database } from '../database/database.ts';
import { limits } from '../limits.ts';

/** Number of endpoints that one statement sweeps. */
const endpointsAtOnce = 50;

/** Time after which a run begins no further statement, in milliseconds. The next run goes on. */
const runMs = 1_000;

const sweptRow = z.object({
  tenant_id: z.string(),
  webhook_id: z.string(),
  is_last: z.boolean(),
});

/** Deletes deliveries that are not kept, and deleted endpoints. */
@Injectable()
export class WebhookSweeper extends BackgroundWork {
  protected readonly everyMs = 10_000;
  /** The last endpoint that was swept. A pass over many endpoints takes several runs. */
  private position = { afterTenant: '', afterWebhook: '' };

  constructor(private readonly database: Database) {
    super();
  }

  async run(): Promise<void> {
    const deadline = performance.now() + runMs;
    let isLast: boolean;
    do isLast = await this.sweepNext();
    while (!isLast && performance.now() < deadline);
  }

  /** Returns whether the pass is whole. */
  private async sweepNext(): Promise<boolean> {
    const args = { ...this.position, number: endpointsAtOnce, limits };
    const [swept] = await this.database.call('sweep_webhooks', args, sweptRow);
    const isLast = swept?.is_last ?? true;
    this.position = isLast
      ? { afterTenant: '', afterWebhook: '' }
      : {
          afterTenant: swept?.tenant_id ?? '',
          afterWebhook: swept?.webhook_id ?? '',
        };
    return isLast;
  }
}
