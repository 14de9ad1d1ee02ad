import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database, type Scope, systemScope, type Tx } from '../database/database.ts';
import { Prisma } from '../database/generated/client.ts';
import { valueIn } from '../database/sql-call.ts';
import { limits } from '../limits.ts';
import { release } from '../tenants/reservations.ts';
import { accountOf } from '../tenants/tenant-account.ts';
import { Provisioning, type Provisioned, type SpaceIdentity } from './provisioning.ts';

/** A creation takes less time than this, in milliseconds, or was interrupted. */
const createdWithinMs = 60_000;

/**
 * Removes what is left of a space that is deleted, or whose creation did not succeed. Everything is safe to repeat, and the
 * reclaimer repeats it after a crash or an outage of IVS.
 */
@Injectable()
export class SpaceRemoval {
  constructor(
    private readonly database: Database,
    private readonly provisioning: Provisioning,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * Deletes the members, the stage and the room of a deleted space, and releases their ARNs. The deletion has deleted the
   * first members; there may be very many, so each step is a transaction of its own.
   * @throws {IvsFailure}
   */
  async finish(tenantId: string, spaceId: string): Promise<void> {
    const scope: Scope = systemScope(tenantId);
    let hasMore: boolean;
    do hasMore = await this.database.inScope(scope, (tx) => forgetMembers(tx, tenantId, spaceId));
    while (hasMore);
    const { row, account } = await this.database.inScope(scope, async (tx) => ({
      row: await tx.space.findUniqueOrThrow({ where: { tenantId_id: { tenantId, id: spaceId } } }),
      account: await accountOf(tx, tenantId),
    }));
    await this.provisioning.remove(
      account,
      row.stageAdopted ? null : row.stageArn,
      row.roomAdopted ? null : row.roomArn,
    );
    await this.database.inScope(scope, async (tx) => {
      if (row.stageArn !== null) await release(tx, tenantId, 'stage', row.stageArn);
      if (row.roomArn !== null) await release(tx, tenantId, 'room', row.roomArn);
      await tx.space.update({
        where: { tenantId_id: { tenantId, id: spaceId } },
        data: {
          stageArn: null,
          stageEndpoints: Prisma.DbNull,
          roomArn: null,
          // The tokens of the space stay valid on an adopted stage. Acts have to find them when a space adopts it again.
          ...(row.stageAdopted && row.stageArn !== null && { formerStageArn: row.stageArn }),
          ...(row.roomAdopted && row.roomArn !== null && { formerRoomArn: row.roomArn }),
        },
      });
    });
  }

  /**
   * Deletes a space of a tenant that is being ended, with the stage and the room that were created for it. It is safe to repeat.
   * @returns false if the space is being created now: then it is to be repeated later.
   * @throws {IvsFailure}
   */
  async end(tenantId: string, spaceId: string): Promise<boolean> {
    const isReady = await this.database.inScope(systemScope(tenantId), async (tx) => {
      const row = await tx.space.findUniqueOrThrow({ where: { tenantId_id: { tenantId, id: spaceId } } });
      if (row.readyAt === null) return false;
      if (row.deletedAt === null) {
        const data = { deletedAt: this.clock.now(), status: 'closed', defaultRole: null };
        await tx.space.update({ where: { tenantId_id: { tenantId, id: spaceId } }, data });
      }
      return true;
    });
    if (isReady) {
      await this.finish(tenantId, spaceId);
      return true;
    }
    if (await this.isBeingCreated(tenantId, spaceId)) return false;
    await this.discard(tenantId, spaceId);
    return true;
  }

  /** Whether the creation of a space began less than a minute ago: somebody may still be working on it. */
  private async isBeingCreated(tenantId: string, spaceId: string): Promise<boolean> {
    const where = {
      tenantId,
      id: spaceId,
      readyAt: null,
      createdAt: { gt: new Date(this.clock.now().getTime() - createdWithinMs) },
    };
    return (await this.database.inScope(systemScope(tenantId), (tx) => tx.space.count({ where }))) > 0;
  }

  /** Undoes a creation that was interrupted. What it left at IVS is found by its tags. @throws {IvsFailure} */
  async discard(tenantId: string, spaceId: string): Promise<void> {
    const tenant = await this.database.inScope(systemScope(tenantId), (tx) => accountOf(tx, tenantId));
    await this.provisioning.removeOrphans({ tenant, spaceId });
    await this.forget(tenantId, spaceId);
  }

  /**
   * Removes the stage and the room that were created, and the record of the space. The answer does not wait for this. If it
   * fails, or if IVS may have created more, the record stays, and the reclaimer does it a minute later.
   */
  undo({ tenant, spaceId }: SpaceIdentity, { stage, room }: Provisioned, mayHaveMore = false): void {
    void this.provisioning
      .remove(tenant, stage?.arn ?? null, room?.arn ?? null)
      .then(() => (mayHaveMore ? undefined : this.forget(tenant.id, spaceId)))
      .catch(() => undefined);
  }

  /** Deletes the record of a space that never was ready. */
  private async forget(tenantId: string, spaceId: string): Promise<void> {
    await this.database.inScope(systemScope(tenantId), (tx) =>
      tx.space.deleteMany({ where: { tenantId, id: spaceId, readyAt: null } }),
    );
  }
}

/** A space of a tenant that is being ended, with what was created for it and what it has adopted. */
export interface SpaceToEnd {
  id: string;
  /** ARNs of the stage and the room that were created for it and are not deleted. */
  created: string[];
  isAdopting: boolean;
}

/** The spaces of a tenant that have a stage or a room, or are being created; at most a thousand. */
export async function spacesToEnd(tx: Tx, tenantId: string): Promise<SpaceToEnd[]> {
  const parts = [{ readyAt: null }, { stageArn: { not: null } }, { roomArn: { not: null } }];
  const rows = await tx.space.findMany({ where: { tenantId, OR: parts }, orderBy: { id: 'asc' }, take: 1_000 });
  return rows.map((row) => ({
    id: row.id,
    created: [row.stageAdopted ? null : row.stageArn, row.roomAdopted ? null : row.roomArn].filter(
      (arn) => arn !== null,
    ),
    isAdopting: (row.stageAdopted && row.stageArn !== null) || (row.roomAdopted && row.roomArn !== null),
  }));
}

/** Deletes members of a space that is being deleted. Returns whether there may be more. */
export async function forgetMembers(tx: Tx, tenantId: string, spaceId: string): Promise<boolean> {
  const most = limits.sweptAtOnce;
  return (await valueIn(tx, 'forget_members', { tenant: tenantId, space: spaceId, most }, z.int())) === most;
}
