import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Database } from '../database/database.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { whenEventsAreWritten } from './event-log.ts';

/** Events that get their places in one transaction. More would hold its locks for longer than some tens of milliseconds. */
const batchSize = 500;

/**
 * Gives new events their places in the logs of their tenants. The replica that has committed an event does it at once. If that
 * replica ends before, any other does it within a quarter of a second.
 */
@Injectable()
export class EventNumberer extends BackgroundWork {
  protected readonly everyMs = 250;
  private readonly forget: () => void;
  private numbering: Promise<void> | undefined;
  private isWoken = false;
  private hasStopped = false;

  constructor(
    private readonly database: Database,
    private readonly metrics: Metrics,
  ) {
    super();
    this.forget = whenEventsAreWritten(() => this.wake());
  }

  async run(): Promise<void> {
    for (;;) {
      const numbered = await this.database.call('number_events', { limit: batchSize }, numberedOfTenant);
      if (numbered.length === 0) return;
      this.metrics.events.inc(numbered.reduce((sum, { events }) => sum + events, 0));
    }
  }

  override async beforeApplicationShutdown(): Promise<void> {
    this.forget();
    this.hasStopped = true;
    await super.beforeApplicationShutdown();
    await this.numbering;
  }

  /** Numbers soon what is committed now. One run serves all who wake it while another run is under way. */
  private wake(): void {
    this.isWoken = true;
    this.numbering ??= this.numberWhileWoken().finally(() => (this.numbering = undefined));
  }

  private async numberWhileWoken(): Promise<void> {
    while (this.isWoken && !this.hasStopped) {
      this.isWoken = false;
      // A failure is logged by the next run of the background.
      await this.run().catch(() => undefined);
    }
  }
}

/** A row of `number_events`. */
const numberedOfTenant = z.object({ tenant_id: z.string(), events: z.coerce.number() });
