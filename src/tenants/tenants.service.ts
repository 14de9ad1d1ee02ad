import { Injectable } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import type { OperatorCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { isUniqueViolation } from '../database/database-errors.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database, ReadDatabase, type Tx } from '../database/database.ts';
import type { Tenant as TenantRow } from '../database/generated/client.ts';
import { notFound, Problem } from '../errors.ts';
import { idKeys, type ListQuery, type Page, readCursor, toPage } from '../http/paging.ts';
import { tokensHaveLeft } from '../http/release-window.ts';
import { newId } from '../ids.ts';
import { TenantLimits } from '../limiting/tenant-limits.ts';
import { quotasOf } from '../quotas.ts';
import { createBuiltInRoles } from '../roles/roles.service.ts';
import type { CreateTenantBody, Tenant, UpdateTenantBody } from './tenants.schemas.ts';

@Injectable()
export class TenantsService {
  constructor(
    private readonly database: Database,
    private readonly reads: ReadDatabase,
    private readonly settings: Settings,
    private readonly clock: DatabaseClock,
    private readonly limits: TenantLimits,
  ) {}

  /** Creates a tenant with the built-in roles. @throws Problem `conflict` if another tenant has the slug. */
  async create(caller: OperatorCaller, body: CreateTenantBody): Promise<Tenant> {
    const id = newId('ten');
    try {
      return await this.database.inScope({ tenantId: id, kind: 'operator', credential: caller.id }, async (tx) => {
        const row = await tx.tenant.create({
          data: {
            id,
            slug: body.slug,
            name: body.name,
            region: body.region ?? this.settings.region,
            awsRoleArn: body.aws?.roleArn ?? null,
            awsExternalId: body.aws?.externalId ?? null,
          },
        });
        await createBuiltInRoles(tx, id);
        const tenant = this.toTenant(row);
        const answer = () => ({ status: 201, body: tenant });
        const details = { slug: body.slug };
        await audit(tx, caller, { action: 'tenant.create', tenantId: id, subject: id, details, answer });
        return tenant;
      });
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new Problem('conflict', 'Another tenant has this slug. Choose another slug.');
    }
  }

  /** Whether the service sees a tenant that it has not entered. Row-level security must not allow that. */
  async seesOutside(_caller: OperatorCaller): Promise<boolean> {
    const { rows } = await this.reads.pool.query<{ seen: boolean }>(
      'select exists (select from public.tenants) as seen',
    );
    return rows[0]?.seen !== false;
  }

  async list(_caller: OperatorCaller, query: ListQuery): Promise<Page<Tenant>> {
    const after = readCursor(query.cursor, idKeys('ten'));
    const rows = await this.reads.asOperator((tx) =>
      tx.tenant.findMany({
        ...(after !== undefined && { where: { id: { gt: after } } }),
        orderBy: { id: 'asc' },
        take: query.limit + 1,
      }),
    );
    return toPage(
      rows,
      query.limit,
      (row) => row.id,
      (row) => this.toTenant(row),
    );
  }

  async get(_caller: OperatorCaller, tenantId: string): Promise<Tenant> {
    const row = await this.database.asOperator((tx) => tx.tenant.findUnique({ where: { id: tenantId } }));
    if (!row) throw notFound('tenant');
    return this.toTenant(row);
  }

  async update(caller: OperatorCaller, tenantId: string, body: UpdateTenantBody): Promise<Tenant> {
    const updated = await this.database.inScope({ tenantId, kind: 'operator', credential: caller.id }, async (tx) => {
      // Locked, so that two changes of quotas or limits at once keep each other's.
      const [before] = await tx.$queryRaw<{ quotas: unknown; limits: unknown; ending_at: Date | null }[]>`
        select quotas, limits, ending_at from public.tenants where id = ${tenantId} for update`;
      if (!before) throw notFound('tenant');
      if (before.ending_at !== null) throw beingEnded();
      await tx.tenant.update({
        where: { id: tenantId },
        data: {
          ...(body.quotas !== undefined && { quotas: changed(before.quotas, body.quotas) }),
          ...(body.limits !== undefined && { limits: changed(before.limits, body.limits) }),
          ...(body.weight !== undefined && { weight: body.weight }),
          ...(body.name !== undefined && { name: body.name }),
          ...(body.status !== undefined && { status: body.status }),
          ...(body.ivsUserIds !== undefined && { ivsUserIds: body.ivsUserIds }),
          ...(body.aws !== undefined && {
            awsRoleArn: body.aws?.roleArn ?? null,
            awsExternalId: body.aws?.externalId ?? null,
          }),
          updatedAt: this.clock.now(),
        },
      });
      const row = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId } });
      const tenant = this.toTenant(row);
      const answer = () => ({ status: 200, body: tenant });
      await audit(tx, caller, { action: 'tenant.update', tenantId, subject: tenantId, details: { ...body }, answer });
      return { tenant, row };
    });
    this.limits.changed(tenantId, updated.row.limits, updated.row.weight);
    if (body.status === 'suspended') await tokensHaveLeft();
    return updated.tenant;
  }

  private toTenant(row: TenantRow): Tenant {
    return {
      id: row.id,
      slug: row.slug,
      name: row.name,
      status: row.status as Tenant['status'],
      region: row.region,
      aws:
        row.awsRoleArn === null || row.awsExternalId === null
          ? null
          : { roleArn: row.awsRoleArn, externalId: row.awsExternalId },
      ivsUserIds: row.ivsUserIds as Tenant['ivsUserIds'],
      quotas: quotasOf(row.quotas),
      limits: this.limits.allOf(row.limits),
      weight: row.weight,
      createdAt: row.createdAt.toISOString(),
      updatedAt: row.updatedAt.toISOString(),
      endingAt: row.endingAt?.toISOString() ?? null,
      endedAt: row.endedAt?.toISOString() ?? null,
    };
  }
}

/** The slug of a tenant. The tenant's API keys contain it. @throws Problem `not_found` */
export async function slugOf(tx: Tx, tenantId: string): Promise<string> {
  const tenant = await tx.tenant.findUnique({ where: { id: tenantId }, select: { slug: true } });
  if (!tenant) throw notFound('tenant');
  return tenant.slug;
}

/** @throws Problem `conflict` if the tenant is being ended, or has ended. */
export async function assertNotEnding(tx: Tx, tenantId: string): Promise<void> {
  // The lock waits for an end that is being asked for now.
  const [tenant] = await tx.$queryRaw<{ ending_at: Date | null }[]>`
    select ending_at from public.tenants where id = ${tenantId} for share`;
  if (tenant && tenant.ending_at !== null) throw beingEnded();
}

/**
 * Notes that a tenant is being ended. From then on nothing of it can be changed but by its end. The transaction is in the scope
 * of the tenant.
 * @returns whether it was not being ended before.
 * @throws Problem `not_found`, or `conflict` if it is not suspended.
 */
export async function beginEnding(tx: Tx, tenantId: string, now: Date): Promise<boolean> {
  const [tenant] = await tx.$queryRaw<{ status: string; ending_at: Date | null }[]>`
    select status, ending_at from public.tenants where id = ${tenantId} for update`;
  if (!tenant) throw notFound('tenant');
  if (tenant.ending_at !== null) return false;
  if (tenant.status !== 'suspended')
    throw new Problem('conflict', 'Only a suspended tenant can be ended. Suspend it first.');
  await tx.tenant.update({ where: { id: tenantId }, data: { endingAt: now, updatedAt: now } });
  return true;
}

/** Notes that a tenant has ended. What the operator knew of its AWS account goes; its slug is never given again. */
export async function noteEnded(tx: Tx, tenantId: string, now: Date): Promise<void> {
  const forgotten = { awsRoleArn: null, awsExternalId: null, quotas: {}, limits: {} };
  await tx.tenant.update({ where: { id: tenantId }, data: { ...forgotten, endedAt: now, updatedAt: now } });
}

function beingEnded(): Problem {
  return new Problem('conflict', 'The tenant is being ended, or has ended. Nothing of it can be changed any more.');
}

/** What people call a tenant. */
export async function namesOf(tx: Tx, tenantId: string): Promise<{ id: string; slug: string; name: string }> {
  const select = { id: true, slug: true, name: true };
  const tenant = await tx.tenant.findUnique({ where: { id: tenantId }, select });
  if (!tenant) throw notFound('tenant');
  return tenant;
}

/** The numbers that the operator has set, after a change. What is null has its default again. */
function changed(own: unknown, change: Record<string, number | null | undefined>): Record<string, number> {
  const all = Object.entries({ ...(own as Record<string, number>), ...change });
  return Object.fromEntries(all.filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
}
