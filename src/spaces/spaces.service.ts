import { Injectable } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import { callerRef, type TenantCaller } from '../caller.ts';
import { isForeignKeyViolation } from '../database/database-errors.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database, ReadDatabase, type Tx } from '../database/database.ts';
import { Prisma, type Space as SpaceRow } from '../database/generated/client.ts';
import { runIn } from '../database/sql-call.ts';
import { invalid, notFound, Problem } from '../errors.ts';
import type { NewEvent } from '../events/event-log.ts';
import { idKeys, type ListQuery, type Page, readCursor, toPage } from '../http/paging.ts';
import { tokensHaveLeft } from '../http/release-window.ts';
import { newId } from '../ids.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { TenantAttempts } from '../ivs/tenant-attempts.ts';
import { assertBelowQuota } from '../quotas.ts';
import { reserve } from '../tenants/reservations.ts';
import { accountOf } from '../tenants/tenant-account.ts';
import { Provisioning, type Provisioned, type SpaceIdentity, UnfinishedProvision } from './provisioning.ts';
import { forgetMembers, SpaceRemoval } from './space-removal.ts';
import type { CreateSpaceBody, Space, UpdateSpaceBody } from './spaces.schemas.ts';

@Injectable()
export class SpacesService {
  constructor(
    private readonly database: Database,
    private readonly reads: ReadDatabase,
    private readonly provisioning: Provisioning,
    private readonly removal: SpaceRemoval,
    private readonly attempts: TenantAttempts,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * Records the space, and creates or adopts its stage and room. The space is visible only after that.
   * @throws Problem `conflict` if another space has the stage or the room.
   */
  async create(caller: TenantCaller, body: CreateSpaceBody): Promise<Space> {
    return await this.attempts.limit(caller.tenantId, async () => {
      const { tenantId } = caller;
      const spaceId = newId('spc');
      const tenant = await this.database.inTenantOf(caller, async (tx) => {
        await assertBelowQuota(tx, tenantId, 'spaces', (most) =>
          tx.space.count({ where: { tenantId, deletedAt: null }, take: most }),
        );
        await recordSpace(tx, tenantId, spaceId, body);
        return await accountOf(tx, tenantId);
      });
      const made = await this.provision({ tenant, spaceId }, body);
      try {
        return await this.database.inTenantOf(caller, (tx) => this.finishCreation(tx, caller, spaceId, body, made));
      } catch (error) {
        // After a failure of the database nobody knows whether the space is ready. The reclaimer finds out.
        const isRefused = error instanceof Problem && error.code !== 'unavailable';
        const { stage, room } = made;
        const created = { stage: body.stage === true ? stage : null, room: body.room === true ? room : null };
        if (isRefused) this.removal.undo({ tenant, spaceId }, created);
        throw error;
      }
    });
  }

  async list(caller: TenantCaller, query: ListQuery): Promise<Page<Space>> {
    const after = readCursor(query.cursor, idKeys('spc'));
    const bound = caller.kind === 'apiKey' ? caller.bounds.spaceIds : undefined;
    const rows = await this.reads.inTenantOf(caller, (tx) =>
      tx.space.findMany({
        where: {
          ...whereVisible(caller.tenantId),
          id: { ...(bound && { in: [...bound] }), ...(after && { gt: after }) },
        },
        orderBy: { id: 'asc' },
        take: query.limit + 1,
      }),
    );
    return toPage(rows, query.limit, (row) => row.id, toSpace);
  }

  async get(caller: TenantCaller, spaceId: string): Promise<Space> {
    return toSpace(await this.database.inTenantOf(caller, (tx) => findSpace(tx, caller.tenantId, spaceId)));
  }

  async update(caller: TenantCaller, spaceId: string, body: UpdateSpaceBody): Promise<Space> {
    const { tenantId } = caller;
    const updated = await this.database.inTenantOf(caller, async (tx) => {
      // A vend that has read the old capacity ends before: vends into a space without one are not counted.
      if (body.capacity !== undefined) await lockSpace(tx, tenantId, spaceId, 'exclusive');
      const before = await findSpace(tx, tenantId, spaceId);
      const row = await tx.space
        .update({
          where: { tenantId_id: { tenantId, id: spaceId } },
          data: {
            ...(body.name !== undefined && { name: body.name }),
            ...(body.status !== undefined && { status: body.status }),
            ...(body.defaultRole !== undefined && { defaultRole: body.defaultRole }),
            ...(body.capacity !== undefined && { capacity: body.capacity }),
            ...(body.metadata !== undefined && { metadata: body.metadata as Prisma.InputJsonObject }),
            updatedAt: this.clock.now(),
          },
        })
        .catch(unknownDefaultRole);
      const details = body as Record<string, Prisma.InputJsonValue>;
      const space = toSpace(row);
      const answer = () => ({ status: 200, body: space });
      const events = eventsOfUpdate(caller, before.status, space, body);
      await audit(tx, caller, { action: 'space.update', tenantId, spaceId, subject: spaceId, details, events, answer });
      return space;
    });
    if (body.status === 'closed') await tokensHaveLeft();
    return updated;
  }

  /**
   * Deletes a space. After the transaction nobody gets tokens for it. Then its stage and room are deleted, which
   * disconnects everybody; adopted ones are not deleted. It is safe to repeat, and the reclaimer repeats it after a crash.
   */
  async remove(caller: TenantCaller, spaceId: string): Promise<void> {
    const { tenantId } = caller;
    await this.database.inTenantOf(caller, async (tx) => {
      const row = await tx.space.findFirst({ where: { tenantId, id: spaceId, readyAt: { not: null } } });
      if (!row || (row.deletedAt !== null && row.stageArn === null && row.roomArn === null)) throw notFound('space');
      if (row.deletedAt !== null) return;
      await tx.space.update({
        where: { tenantId_id: { tenantId, id: spaceId } },
        data: { deletedAt: this.clock.now(), status: 'closed', defaultRole: null },
      });
      await forgetMembers(tx, tenantId, spaceId);
      const answer = () => ({ status: 204 });
      const data = { name: row.name, by: callerRef(caller) };
      const events: NewEvent[] = [{ type: 'space.deleted', spaceId, data }];
      await audit(tx, caller, { action: 'space.delete', tenantId, spaceId, subject: spaceId, events, answer });
    });
    try {
      await Promise.all([this.removal.finish(tenantId, spaceId), tokensHaveLeft()]);
    } catch (error) {
      throw error instanceof IvsFailure ? error.toProblem() : error;
    }
  }

  /** @throws {Problem} after what was created is being removed. */
  private async provision(identity: SpaceIdentity, body: CreateSpaceBody): Promise<Provisioned> {
    try {
      return await this.provisioning.provision(identity, body);
    } catch (error) {
      if (!(error instanceof UnfinishedProvision)) {
        this.removal.undo(identity, { stage: null, room: null });
        throw error;
      }
      this.removal.undo(identity, error.created, error.mayHaveMore);
      throw error.reason;
    }
  }

  /** Reserves the stage and the room, and makes the space visible. @throws Problem `conflict` if one is taken. */
  private async finishCreation(
    tx: Tx,
    caller: TenantCaller,
    spaceId: string,
    body: CreateSpaceBody,
    { stage, room }: Provisioned,
  ): Promise<Space> {
    const { tenantId } = caller;
    const taken = 'This stage or room already belongs to a space.';
    if (stage) await reserve(tx, tenantId, 'stage', stage.arn, taken);
    if (room) await reserve(tx, tenantId, 'room', room.arn, taken);
    const row = await tx.space.update({
      where: { tenantId_id: { tenantId, id: spaceId } },
      data: {
        stageArn: stage?.arn ?? null,
        ...(stage && { stageEndpoints: stage.endpoints, stageEndpointsAt: this.clock.now() }),
        stageAdopted: typeof body.stage === 'object',
        roomArn: room?.arn ?? null,
        roomAdopted: typeof body.room === 'object',
        readyAt: this.clock.now(),
      },
    });
    const details = { name: body.name, stage: row.stageArn, room: row.roomArn };
    const space = toSpace(row);
    const answer = () => ({ status: 201, body: space });
    const { name, status, defaultRole, capacity } = space;
    const arns = { stageArn: row.stageArn, roomArn: row.roomArn };
    const data = { name, status, defaultRole, capacity, ...arns, by: callerRef(caller) };
    const events: NewEvent[] = [{ type: 'space.created', spaceId, data }];
    await audit(tx, caller, { action: 'space.create', tenantId, spaceId, subject: spaceId, details, events, answer });
    return space;
  }
}

/**
 * Locks a space until the transaction ends. `exclusive` keeps vends into it out; `shared`, as a vend takes it, keeps a freezing
 * or unfreezing out.
 */
export async function lockSpace(
  tx: Tx,
  tenantId: string,
  spaceId: string,
  mode: 'shared' | 'exclusive',
): Promise<void> {
  await runIn(tx, 'lock_space', { tenant: tenantId, space: spaceId, exclusive: mode === 'exclusive' });
}

/** Freezes or unfreezes a space, by the database's clock. The caller holds the lock of the space (`lock_space`). */
export async function setFrozen(tx: Tx, tenantId: string, spaceId: string, isFrozen: boolean): Promise<void> {
  await tx.$executeRaw`
    update public.spaces set frozen_at = case when ${isFrozen} then now() end, updated_at = now()
    where tenant_id = ${tenantId} and id = ${spaceId}`;
}

/** The tenant's space with this id. @throws Problem `not_found`, also while it is being created or deleted. */
export async function findSpace(tx: Tx, tenantId: string, spaceId: string): Promise<SpaceRow> {
  const row = await tx.space.findFirst({ where: { ...whereVisible(tenantId), id: spaceId } });
  if (!row) throw notFound('space');
  return row;
}

/** Condition for spaces that can be used: their creation is finished, and they are not deleted. */
function whereVisible(tenantId: string) {
  return { tenantId, readyAt: { not: null }, deletedAt: null };
}

async function recordSpace(tx: Tx, tenantId: string, spaceId: string, body: CreateSpaceBody): Promise<void> {
  await tx.space
    .create({
      data: {
        tenantId,
        id: spaceId,
        name: body.name,
        defaultRole: body.defaultRole,
        capacity: body.capacity,
        metadata: body.metadata as Prisma.InputJsonObject,
      },
    })
    .catch(unknownDefaultRole);
}

function unknownDefaultRole(error: unknown): never {
  if (isForeignKeyViolation(error)) throw invalid('defaultRole', 'must be a role of the tenant');
  throw error;
}

/** The events of a change of a space. Opening and closing are events of their own. */
function eventsOfUpdate(caller: TenantCaller, statusBefore: string, space: Space, body: UpdateSpaceBody): NewEvent[] {
  const { id: spaceId, name, defaultRole, capacity, status } = space;
  const by = callerRef(caller);
  const changed = Object.keys(body).filter((field) => field !== 'status');
  const type = status === 'open' ? 'space.opened' : 'space.closed';
  return [
    ...(changed.length === 0
      ? []
      : [{ type: 'space.updated' as const, spaceId, data: { changed, name, defaultRole, capacity, by } }]),
    ...(status === statusBefore ? [] : [{ type, spaceId, data: { name, by } } as const]),
  ];
}

/** A space, as answers show it. */
export function toSpace(row: SpaceRow): Space {
  return {
    id: row.id,
    name: row.name,
    status: row.status as Space['status'],
    frozenAt: row.frozenAt?.toISOString() ?? null,
    defaultRole: row.defaultRole,
    capacity: row.capacity,
    stage:
      row.stageArn === null
        ? null
        : { arn: row.stageArn, endpoints: row.stageEndpoints as NonNullable<Space['stage']>['endpoints'] },
    room: row.roomArn === null ? null : { arn: row.roomArn },
    metadata: row.metadata as Space['metadata'],
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}
