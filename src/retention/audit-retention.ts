import { Injectable } from '@nestjs/common';
import { type Archive, archiveOf } from '../archive/archive.ts';
import { AuditCheckpoints, broken, type Cut } from '../audit/audit-checkpoints.ts';
import { checkpointLine, entriesOfFile, fileOf, lineRow } from '../audit/lines.ts';
import { WorkInPasses } from '../background.ts';
import { Settings } from '../config.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database, systemScope } from '../database/database.ts';
import { callIn } from '../database/sql-call.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { keptDays } from './kept-days.ts';

/**
 * Signs the hash chain of each tenant from time to time, and deletes audit entries that the tenant does not keep any more. If
 * there is an archive, they are stored there first. Replicas that work at the same time do no harm.
 */
@Injectable()
export class AuditRetention extends WorkInPasses {
  protected readonly passMs = 10 * 60_000;
  private readonly archive: Archive | undefined;
  /** Tenants whose chain is broken. */
  private broken = { inThisPass: 0, inLastPass: 0 };

  constructor(
    private readonly database: Database,
    private readonly checkpoints: AuditCheckpoints,
    private readonly settings: Settings,
    private readonly clock: DatabaseClock,
    private readonly metrics: Metrics,
  ) {
    super();
    this.archive = archiveOf(settings);
  }

  protected async *pass(): AsyncGenerator<void> {
    let overdue = 0;
    this.broken.inThisPass = 0;
    for await (const kept of keptDays(this.database, 'audit', this.settings.auditRetentionDays)) {
      const { tenantId } = kept;
      const before = kept.before(this.clock.now());
      let isDone = false;
      try {
        isDone = yield* this.overTenant(tenantId, before);
      } catch (error) {
        this.partFailed(error, 'Old audit entries of a tenant stay. The next pass tries again.', { tenantId });
      }
      if (!isDone) overdue = Math.max(overdue, await this.checkpoints.overdueSeconds(tenantId, before));
    }
    this.broken.inLastPass = this.broken.inThisPass;
    this.tellBroken();
    this.metrics.overdueAudit.set(overdue);
  }

  /** Returns whether nothing is left of the tenant that is older than `before`. */
  private async *overTenant(tenantId: string, before: Date): AsyncGenerator<void, boolean> {
    let place: boolean | typeof broken;
    while ((place = await this.checkpoints.signNext(tenantId)) === true) yield;
    const isBroken = place === broken;
    if (isBroken) this.noteBroken();
    for (;;) {
      const cut = await this.checkpoints.nextCut(tenantId, before);
      if (cut === undefined) return true;
      if (cut === broken) {
        if (!isBroken) this.noteBroken();
        return false;
      }
      if (this.archive) await this.store(this.archive, tenantId, cut);
      if ((await this.checkpoints.drop(cut)) === 0) return false;
      yield;
    }
  }

  private noteBroken(): void {
    this.broken.inThisPass++;
    this.tellBroken();
  }

  /** While a pass is under way, what it has not come to yet counts as in the last one. */
  private tellBroken(): void {
    this.metrics.brokenAuditChains.set(Math.max(this.broken.inThisPass, this.broken.inLastPass));
  }

  private async store(archive: Archive, tenant: string, { after, checkpoint }: Cut): Promise<void> {
    const args = { tenant, after: String(after), to: String(checkpoint.seq), most: entriesOfFile };
    const rows = await this.database.inScope(systemScope(tenant), (tx) => callIn(tx, 'audit_lines', args, lineRow));
    const lines = [...rows.map(({ line }) => line), checkpointLine(checkpoint)];
    await archive.put(fileOf(tenant, after + 1n, checkpoint.seq), `${lines.join('\n')}\n`);
  }
}
