import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Database } from '../database/database.ts';
import { Metrics } from '../telemetry/metrics.ts';

/** Entries sealed in one transaction: a few tens of milliseconds of work. */
const batch = 500;

/** Gives new audit entries their place in their tenant's hash chain. One replica does so at a time. */
@Injectable()
export class AuditSealer extends BackgroundWork {
  protected readonly everyMs = 1_000;

  constructor(
    private readonly database: Database,
    private readonly metrics: Metrics,
  ) {
    super();
  }

  async run(): Promise<void> {
    let sealed: number;
    do {
      sealed = await this.database.value('seal_audit', { limit: batch }, z.coerce.number());
      this.metrics.audit.inc(sealed);
    } while (sealed === batch);
  }
}
