import { Injectable } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import type { TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database, ReadDatabase, type Tx } from '../database/database.ts';
import type { TenantSettings as SettingsRow } from '../database/generated/client.ts';
import { invalid } from '../errors.ts';
import type { TenantSettings, UpdateSettingsBody } from './tenant-settings.schemas.ts';

/** What a tenant has settled for itself. */
@Injectable()
export class TenantSettingsService {
  /** The days of the deployment: what counts for a tenant that has settled nothing, and the most that it may settle. */
  private readonly most: TenantSettings['mostRetentionDays'];

  constructor(
    private readonly database: Database,
    private readonly reads: ReadDatabase,
    private readonly clock: DatabaseClock,
    settings: Settings,
  ) {
    this.most = {
      events: settings.eventRetentionDays,
      grants: settings.grantRetentionDays,
      audit: settings.auditRetentionDays,
    };
  }

  async get(caller: TenantCaller): Promise<TenantSettings> {
    const where = { tenantId: caller.tenantId };
    return await this.reads.inTenantOf(caller, async (tx) =>
      this.shown(await tx.tenantSettings.findUnique({ where }), await oneLiveTokenOf(tx, caller)),
    );
  }

  /** @throws Problem `invalid_request` if a number of days is larger than that of the deployment. */
  async update(caller: TenantCaller, body: UpdateSettingsBody): Promise<TenantSettings> {
    const { tenantId } = caller;
    const { events, grants, audit: entries } = body.retentionDays ?? {};
    this.assertAllowed('events', events);
    this.assertAllowed('grants', grants);
    this.assertAllowed('audit', entries);
    const changes = {
      ...(events !== undefined && { eventDays: events }),
      ...(grants !== undefined && { grantDays: grants }),
      ...(entries !== undefined && { auditDays: entries }),
      ...(body.reasons !== undefined && { reasons: body.reasons }),
      updatedAt: this.clock.now(),
    };
    return await this.database.inTenantOf(caller, async (tx) => {
      const row = await tx.tenantSettings.upsert({
        where: { tenantId },
        create: { tenantId, ...changes },
        update: changes,
      });
      if (body.oneLiveToken !== undefined) {
        await tx.tenant.update({ where: { id: tenantId }, data: { oneLiveToken: body.oneLiveToken } });
      }
      const shown = this.shown(row, await oneLiveTokenOf(tx, caller));
      const answer = () => ({ status: 200, body: shown });
      await audit(tx, caller, { action: 'settings.update', tenantId, details: { ...body }, answer });
      return shown;
    });
  }

  private assertAllowed(kind: keyof TenantSettings['retentionDays'], days: number | null | undefined): void {
    const most = this.most[kind];
    if (days && days > most)
      throw invalid(`retentionDays.${kind}`, `must be at most ${most}, which is what the deployment allows`);
  }

  /** The deployment may allow less than it did when the tenant chose. */
  private shown(row: SettingsRow | null, oneLiveToken: TenantSettings['oneLiveToken']): TenantSettings {
    const { events, grants, audit: entries } = this.most;
    return {
      retentionDays: {
        events: Math.min(row?.eventDays ?? events, events),
        grants: Math.min(row?.grantDays ?? grants, grants),
        audit: Math.min(row?.auditDays ?? entries, entries),
      },
      mostRetentionDays: this.most,
      reasons: row?.reasons ?? [],
      oneLiveToken,
      updatedAt: row?.updatedAt.toISOString() ?? null,
    };
  }
}

/** It stands with the tenant, because each vend reads that row. */
async function oneLiveTokenOf(tx: Tx, { tenantId }: TenantCaller): Promise<TenantSettings['oneLiveToken']> {
  const { oneLiveToken } = await tx.tenant.findUniqueOrThrow({
    where: { id: tenantId },
    select: { oneLiveToken: true },
  });
  return oneLiveToken as TenantSettings['oneLiveToken'];
}
