import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Database } from '../database/database.ts';
import { Metrics } from '../telemetry/metrics.ts';

/** Entries sealed in one transaction. More would hold its locks for longer than some tens of milliseconds. */
const batchSize = 500;

/** Adds new audit entries to the hash chain of their tenant. One replica works at a time; a lock sees to that. */
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
      sealed = await this.database.value('seal_audit', { limit: batchSize }, z.coerce.number());
      this.metrics.audit.inc(sealed);
    } while (sealed > 0);
  }
}
