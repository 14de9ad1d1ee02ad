import { Injectable, Logger } from '@nestjs/common';
import { type Archive, archiveOf } from '../archive/archive.ts';
import { AuditCheckpoints, type Cut } from '../audit/audit-checkpoints.ts';
import { checkpointLine, entriesOfFile, fileOf, lineRow } from '../audit/lines.ts';
import { WorkInPasses } from '../background.ts';
import { Settings } from '../config.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database, systemScope } from '../database/database.ts';
import { callIn } from '../database/sql-call.ts';
import { keptDays } from './kept-days.ts';

/**
 * Signs the hash chain of each tenant from time to time, and deletes audit entries that the tenant does not keep any more. If
 * there is an archive, they are stored there first. Replicas that work at the same time do no harm.
 */
@Injectable()
export class AuditRetention extends WorkInPasses {
  protected readonly passMs = 10 * 60_000;
  private readonly archive: Archive | undefined;

  constructor(
    private readonly database: Database,
    private readonly checkpoints: AuditCheckpoints,
    private readonly settings: Settings,
    private readonly clock: DatabaseClock,
  ) {
    super();
    this.archive = archiveOf(settings);
  }

  protected async *pass(): AsyncGenerator<void> {
    for await (const kept of keptDays(this.database, 'audit', this.settings.auditRetentionDays)) {
      try {
        yield* this.overTenant(kept.tenantId, kept.before(this.clock.now()));
      } catch (error) {
        const told = { err: error, tenantId: kept.tenantId };
        new Logger(AuditRetention.name).warn(told, 'Old audit entries of a tenant stay. The next pass tries again.');
      }
    }
  }

  private async *overTenant(tenantId: string, before: Date): AsyncGenerator<void> {
    while (await this.checkpoints.signNext(tenantId)) yield;
    for (;;) {
      const cut = await this.checkpoints.nextCut(tenantId, before);
      if (!cut) return;
      if (this.archive) await this.store(this.archive, tenantId, cut);
      if ((await this.checkpoints.drop(cut)) === 0) return;
      yield;
    }
  }

  private async store(archive: Archive, tenant: string, { after, checkpoint }: Cut): Promise<void> {
    const args = { tenant, after: String(after), to: String(checkpoint.seq), most: entriesOfFile };
    const rows = await this.database.inScope(systemScope(tenant), (tx) => callIn(tx, 'audit_lines', args, lineRow));
    const lines = [...rows.map(({ line }) => line), checkpointLine(checkpoint)];
    await archive.put(fileOf(tenant, after + 1n, checkpoint.seq), `${lines.join('\n')}\n`);
  }
}
