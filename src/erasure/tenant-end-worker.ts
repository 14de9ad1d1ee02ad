import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { recordActBy, spacesActedOn } from '../acts/record-act.ts';
import { audit } from '../audit/audit.ts';
import { BackgroundWork } from '../background.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database, systemScope } from '../database/database.ts';
import type { Prisma } from '../database/generated/client.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { grantsInSpace, refusePendingGrants } from '../grants/ledger.ts';
import { limits } from '../limits.ts';
import { SigningKeyRemoval } from '../signing-keys/signing-key-removal.ts';
import { SpaceRemoval, type SpaceToEnd, spacesToEnd } from '../spaces/space-removal.ts';
import { lockSpace } from '../spaces/spaces.service.ts';
import { noteEnded } from '../tenants/tenants.service.ts';
import { counts } from './erasures.service.ts';
import { type EndStep, endSteps } from './tenant-ends.schemas.ts';
import { accessFunctions, rowFunctions, whatIsDropped } from './tenant-rows.ts';

/** Ends of tenants that one run takes. */
const atOnce = 3;

/** For how long no other replica takes an end. Each piece of work renews it, and takes less time. */
const leaseMs = 60_000;

/** Time after which a run leaves an end to the next run, in milliseconds, so that a stop need not wait for it. */
const runMs = 5_000;

/** Time until tokens are looked at again, and from a failure to the next attempt, in milliseconds. */
const waits = { tokens: 5_000, failure: 2_000, longest: 10 * 60_000 };

const taken = z.object({
  tenant_id: z.string(),
  step: z.enum(endSteps),
  leave_resources: z.boolean(),
  deleted: counts,
  failures: z.int(),
});
type Taken = z.output<typeof taken>;

/** What became of a piece of work: the step is done, there is more of it, or it has to wait. */
type Outcome = 'done' | 'more' | 'wait';

/**
 * Carries out the ends of tenants, in steps. Each piece of work is safe to repeat, and the row of the end says which step it
 * is at. So any replica goes on after a crash, and two at the same time do no harm.
 */
@Injectable()
export class TenantEndWorker extends BackgroundWork {
  protected readonly everyMs = 1_000;

  private readonly steps: Record<Exclude<EndStep, 'ended'>, (end: Taken) => Promise<Outcome>> = {
    access: (end) => this.drop(end, accessFunctions),
    people: (end) => this.disconnectPeople(end.tenant_id),
    resources: async (end) => {
      const outcome = await this.deleteResources(end, ({ isAdopting }) => !isAdopting);
      if (outcome === 'done')
        await this.tryAtIvs(end, () => this.keys.removeAll(end.tenant_id), await this.keys.namesOf(end.tenant_id));
      return outcome;
    },
    tokens: (end) => this.waitForTokens(end.tenant_id),
    rest: (end) => this.deleteResources(end, () => true),
    rows: (end) => this.drop(end, rowFunctions),
  };

  constructor(
    private readonly database: Database,
    private readonly spaces: SpaceRemoval,
    private readonly keys: SigningKeyRemoval,
    private readonly clock: DatabaseClock,
  ) {
    super();
  }

  async run(): Promise<void> {
    const due = await this.database.call('take_tenant_ends', { lease: `${leaseMs} ms`, limit: atOnce }, taken);
    await Promise.all(due.map((end) => this.tryToGoOn(end)));
  }

  private async tryToGoOn(end: Taken): Promise<void> {
    try {
      await this.goOn(end);
    } catch (error) {
      const waitMs = Math.min(waits.failure * 2 ** end.failures, waits.longest);
      const about = { tenantId: end.tenant_id, step: end.step };
      this.partFailed(error, 'The end of a tenant could not go on. It is tried again.', about);
      const lastError = error instanceof Error ? error.message.slice(0, 500) : 'unknown';
      const failed = { lastError, failures: end.failures + 1, nextAt: this.inMs(waitMs), leasedUntil: new Date(0) };
      await this.note(end.tenant_id, failed);
    }
  }

  /** Takes steps until the tenant has ended, has to wait, or the run has lasted long enough. */
  private async goOn(end: Taken): Promise<void> {
    const deadline = performance.now() + runMs;
    while (end.step !== 'ended' && performance.now() < deadline) {
      const outcome = await this.steps[end.step](end);
      if (outcome === 'wait') {
        await this.note(end.tenant_id, { nextAt: this.inMs(waits.tokens), leasedUntil: new Date(0), lastError: null });
        return;
      }
      if (outcome === 'done' && !(await this.stepOn(end))) return;
      await this.note(end.tenant_id, { deleted: end.deleted, leasedUntil: this.inMs(leaseMs) });
    }
    await this.note(end.tenant_id, { leasedUntil: new Date(0) });
  }

  /** Notes that a step is done. Returns false if another replica has done so. */
  private async stepOn(end: Taken): Promise<boolean> {
    const { tenant_id: tenantId, step } = end;
    const next = endSteps[endSteps.indexOf(step) + 1] ?? 'ended';
    const now = this.clock.now();
    const isOver = next === 'ended';
    const went = await this.database.inScope(systemScope(tenantId), async (tx) => {
      const data = { step: next, deleted: end.deleted, lastError: null, failures: 0, ...(isOver && { endedAt: now }) };
      const { count } = await tx.tenantEnd.updateMany({ where: { tenantId, step }, data });
      if (count === 0) return false;
      if (!isOver) return true;
      await noteEnded(tx, tenantId, now);
      const by = { kind: 'system', id: 'tenant-end' } as const;
      await audit(tx, by, { action: 'tenant.ended', tenantId, subject: tenantId, details: { deleted: end.deleted } });
      return true;
    });
    end.step = next;
    end.failures = 0;
    return went;
  }

  /** Deletes rows of the first table that has some. */
  private async drop(end: Taken, functions: readonly string[]): Promise<Outcome> {
    for (const name of functions) {
      const dropped = await this.database.value(name, { tenant: end.tenant_id, most: limits.sweptAtOnce }, z.int());
      if (dropped === 0) continue;
      const what = whatIsDropped(name);
      end.deleted = { ...end.deleted, [what]: (end.deleted[what] ?? 0) + dropped };
      return 'more';
    }
    return 'done';
  }

  /** Records an act against everybody in the next space with an adopted stage or room, which is not deleted with the space. */
  private async disconnectPeople(tenantId: string): Promise<Outcome> {
    return await this.database.inScope(systemScope(tenantId), async (tx) => {
      const adopting = (await spacesToEnd(tx, tenantId)).filter(({ isAdopting }) => isAdopting).map(({ id }) => id);
      const treated = await spacesActedOn(tx, tenantId, 'tenant.end', adopting);
      const spaceId = adopting.find((id) => !treated.includes(id));
      if (spaceId === undefined) return 'done';
      // The lock waits for vends that have begun. The reads after it see their grants.
      await lockSpace(tx, tenantId, spaceId, 'exclusive');
      await refusePendingGrants(tx, tenantId, { spaceId });
      const ids = await grantsInSpace(tx, tenantId, spaceId);
      const by = { kind: 'operator', id: 'operator' } as const;
      await recordActBy(tx, tenantId, by, { kind: 'tenant.end', spaceId, grants: [{ ids, keepOut: true }] });
      return 'more';
    });
  }

  /** Deletes the next space, with what was made for it at IVS. */
  private async deleteResources(end: Taken, concerns: (space: SpaceToEnd) => boolean): Promise<Outcome> {
    const { tenant_id: tenantId } = end;
    const left = await this.leftResources(tenantId);
    const spaces = await this.database.inScope(systemScope(tenantId), (tx) => spacesToEnd(tx, tenantId));
    const next = spaces.filter(concerns).find((space) => namesOf(space).some((name) => !left.includes(name)));
    if (!next) return 'done';
    let isDone = true;
    await this.tryAtIvs(
      end,
      async () => {
        isDone = await this.spaces.end(tenantId, next.id);
      },
      namesOf(next),
    );
    return isDone ? 'more' : 'wait';
  }

  /** If the operator allows it, what IVS does not let the service delete is noted as left there. */
  private async tryAtIvs(end: Taken, work: () => Promise<unknown>, names: string[]): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof IvsFailure) || !end.leave_resources || names.length === 0) throw error;
      const { tenant_id: tenantId } = end;
      await this.note(tenantId, { leftResources: [...new Set([...(await this.leftResources(tenantId)), ...names])] });
    }
  }

  private async leftResources(tenantId: string): Promise<string[]> {
    const row = await this.database.inScope(systemScope(tenantId), (tx) =>
      tx.tenantEnd.findUniqueOrThrow({ where: { tenantId }, select: { leftResources: true } }),
    );
    return row.leftResources;
  }

  private async waitForTokens(tenantId: string): Promise<Outcome> {
    const args = { tenant: tenantId, kind: 'tenant.end' };
    return (await this.database.value('acts_are_in_effect', args, z.boolean())) ? 'wait' : 'done';
  }

  private async note(tenantId: string, data: Prisma.TenantEndUpdateManyMutationInput): Promise<void> {
    await this.database.inScope(systemScope(tenantId), (tx) => tx.tenantEnd.updateMany({ where: { tenantId }, data }));
  }

  private inMs(ms: number): Date {
    return new Date(this.clock.now().getTime() + ms);
  }
}

/** What was made for a space, by ARN; the space itself if nobody knows yet what was made. */
function namesOf({ id, created }: SpaceToEnd): string[] {
  return created.length > 0 ? created : [id];
}
