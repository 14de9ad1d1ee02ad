import { Injectable } from '@nestjs/common';
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
      const [row] = await this.database.call<{ sealed: string }>('seal-audit', 'select seal_audit($1) as sealed', [
        batch,
      ]);
      sealed = Number(row?.sealed ?? 0);
      this.metrics.audit.inc(sealed);
    } while (sealed === batch);
  }
}
