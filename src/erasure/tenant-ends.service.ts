import { Injectable } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import type { OperatorCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database, type Tx } from '../database/database.ts';
import type { TenantEnd as TenantEndRow } from '../database/generated/client.ts';
import { notFound } from '../errors.ts';
import { beginEnding, namesOf } from '../tenants/tenants.service.ts';
import type { RemainingThing } from './erasures.schemas.ts';
import { counts } from './erasures.service.ts';
import type { EndStep, EndTenantQuery, TenantEnd } from './tenant-ends.schemas.ts';
import { stayingRows } from './tenant-rows.ts';

const dayMs = 24 * 3_600_000;

/** Begins the ends of tenants, and says how far they have come. `TenantEndWorker` carries them out. */
@Injectable()
export class TenantEndsService {
  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * Begins the end of a suspended tenant. Of one that is being ended it only changes whether resources may be left.
   * @throws Problem `not_found` or `conflict`
   */
  async begin(caller: OperatorCaller, tenantId: string, { leaveResources }: EndTenantQuery): Promise<TenantEnd> {
    const leaves: { leaveResources?: boolean } = {};
    if (leaveResources !== undefined) leaves.leaveResources = leaveResources === 'true';
    return await this.database.inScope({ tenantId, kind: 'operator', credential: caller.id }, async (tx) => {
      const now = this.clock.now();
      const isNew = await beginEnding(tx, tenantId, now);
      if (isNew) await tx.tenantEnd.create({ data: { tenantId, requestedAt: now, ...leaves } });
      else await tx.tenantEnd.updateMany({ where: { tenantId, endedAt: null }, data: { ...leaves, nextAt: now } });
      const shown = this.shown(await find(tx, tenantId));
      const details = { leaveResources: leaves.leaveResources ?? null, again: !isNew };
      const answer = () => ({ status: 202, body: shown });
      await audit(tx, caller, { action: 'tenant.end', tenantId, subject: tenantId, details, answer });
      return shown;
    });
  }

  /** @throws Problem `not_found`, also if nobody has asked for the end of the tenant. */
  async get(caller: OperatorCaller, tenantId: string): Promise<TenantEnd> {
    const scope = { tenantId, kind: 'operator', credential: caller.id } as const;
    return this.shown(await this.database.inScope(scope, (tx) => find(tx, tenantId)));
  }

  private shown(row: TenantEndRow): TenantEnd {
    return {
      tenantId: row.tenantId,
      step: row.step as EndStep,
      requestedAt: row.requestedAt.toISOString(),
      endedAt: row.endedAt?.toISOString() ?? null,
      deleted: Object.entries(counts.parse(row.deleted)).map(([what, rows]) => ({ what, rows })),
      leftResources: row.leftResources,
      lastError: row.lastError,
      remains: this.remainsOf(row),
    };
  }

  private remainsOf({ requestedAt, endedAt, leftResources }: TenantEndRow): RemainingThing[] {
    const { auditRetentionDays, auditArchiveUrl } = this.settings;
    const until = new Date((endedAt ?? requestedAt).getTime() + auditRetentionDays * dayMs).toISOString();
    return [
      {
        what: 'The tenant',
        why: 'Its slug is in keys that may still be tried, so it is never given again.',
        until: null,
      },
      { what: 'The record of the end', why: stayingRows['tenant_ends'] ?? '', until: null },
      { what: 'Entries of the audit log', why: stayingRows['audit'] ?? '', until },
      { what: 'Checkpoints of the audit log', why: stayingRows['audit_checkpoints'] ?? '', until: null },
      ...(auditArchiveUrl === undefined
        ? []
        : [{ what: 'The archive of the audit log', why: 'The service only adds to the archive.', until: null }]),
      {
        what: 'Adopted stages and rooms',
        why: 'They are the tenant’s own. The service has not made them.',
        until: null,
      },
      ...(leftResources.length === 0
        ? []
        : [
            {
              what: 'Stages, rooms and public keys',
              why: 'Amazon IVS did not let the service delete them.',
              until: null,
            },
          ]),
      { what: 'Backups', why: 'They have what was there when they were made.', until: null },
    ];
  }
}

async function find(tx: Tx, tenantId: string): Promise<TenantEndRow> {
  await namesOf(tx, tenantId); // throws if there is no such tenant
  const row = await tx.tenantEnd.findUnique({ where: { tenantId } });
  if (!row) throw notFound('end of the tenant');
  return row;
}
