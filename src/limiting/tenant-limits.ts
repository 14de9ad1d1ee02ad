import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Settings } from '../config.ts';
import { CredentialDatabase } from '../database/database.ts';

/** Limits of a tenant, of which the operator can set others than those of the deployment. */
export const limitKinds = ['requestsPerMinute', 'vendsPerMinute', 'requestsAtOnce'] as const;
export type LimitKind = (typeof limitKinds)[number];

/** What a tenant may do, and how many turns it has where others have one. */
export interface LimitsOfTenant extends Record<LimitKind, number> {
  weight: number;
}

const ownLimits = z.partialRecord(z.enum(limitKinds), z.int());

/** A row of `tenant_limits`. */
const limitsRow = z.object({ tenant: z.string(), limits: ownLimits, weight: z.int() });

/**
 * The limits of tenants. Each replica reads those that the operator has set every ten seconds, so a request costs no query.
 * While the database is away, the last ones count.
 */
@Injectable()
export class TenantLimits extends BackgroundWork {
  protected readonly everyMs = 10_000;
  private readonly usual: LimitsOfTenant;
  private own = new Map<string, LimitsOfTenant>();

  constructor(
    settings: Settings,
    private readonly database: CredentialDatabase,
  ) {
    super();
    this.usual = {
      requestsPerMinute: settings.requestsPerTenantPerMinute,
      vendsPerMinute: settings.vendsPerTenantPerMinute,
      requestsAtOnce: settings.requestsAtOncePerTenant,
      weight: 1,
    };
  }

  override onApplicationBootstrap(): void | Promise<void> {
    void this.runOnce();
    return super.onApplicationBootstrap();
  }

  async run(): Promise<void> {
    const rows = await this.database.call('tenant_limits', {}, limitsRow);
    this.own = new Map(rows.map(({ tenant, limits, weight }) => [tenant, { ...this.usual, ...limits, weight }]));
  }

  of(tenantId: string): LimitsOfTenant {
    return this.own.get(tenantId) ?? this.usual;
  }

  /** All limits of a tenant. @param own those that the operator has set. */
  allOf(own: unknown): Record<LimitKind, number> {
    const { requestsPerMinute, vendsPerMinute, requestsAtOnce } = { ...this.usual, ...ownLimits.parse(own) };
    return { requestsPerMinute, vendsPerMinute, requestsAtOnce };
  }

  /** Call it when the operator has changed a tenant: this replica knows at once, the others within ten seconds. */
  changed(tenantId: string, own: unknown, weight: number): void {
    this.own.set(tenantId, { ...this.allOf(own), weight });
  }
}
