import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database, systemScope } from '../database/database.ts';
import { limits } from '../limits.ts';
import { erasureSteps } from './erasure-steps.ts';
import { counts } from './erasures.service.ts';

/** Erasures that one run takes. */
const atOnce = 3;

/** For how long no other replica takes an erasure. Each step renews it. */
const leaseMs = 30_000;

/** Time after which a run leaves an erasure to the next run, in milliseconds, so that a stop need not wait for it. */
const runMs = 5_000;

/** Shortest and longest time until rows that had to wait are looked at again, in milliseconds. */
const waits = { shortest: 30_000, longest: 3_600_000 };

const taken = z.object({
  tenant_id: z.string(),
  id: z.string(),
  user_id: z.string(),
  name: z.string(),
  requested_at: z.date(),
  place: z.int(),
  after: z.string().nullable(),
  changed: z.int(),
  waiting: z.int(),
  erased: counts,
});
type Taken = z.output<typeof taken>;

const stepRow = z.object({ changed: z.coerce.number(), waiting: z.coerce.number(), reached: z.string().nullable() });

/**
 * Carries out erasures in small steps. A pass goes over all tables, and the last one finds nothing: neither rows of the user,
 * nor rows that have to wait until their tokens have expired. Where it stands is in the row of the erasure, so it goes on
 * after a crash, on any replica. A step that is taken twice does no harm.
 */
@Injectable()
export class ErasureWorker extends BackgroundWork {
  protected readonly everyMs = 1_000;

  constructor(
    private readonly database: Database,
    private readonly clock: DatabaseClock,
  ) {
    super();
  }

  async run(): Promise<void> {
    const due = await this.database.call('take_erasures', { lease: `${leaseMs} ms`, limit: atOnce }, taken);
    await Promise.all(due.map((erasure) => this.tryToGoOn(erasure)));
  }

  private async tryToGoOn(erasure: Taken): Promise<void> {
    try {
      await this.goOn(erasure);
    } catch (error) {
      const { tenant_id: tenantId, id } = erasure;
      this.partFailed(error, 'An erasure could not go on. It goes on in half a minute.', { erasureId: id });
      const data = { nextAt: this.inMs(waits.shortest), leasedUntil: new Date(0) };
      await this.database.inScope(systemScope(tenantId), (tx) =>
        tx.erasure.updateMany({ where: { tenantId, id }, data }),
      );
    }
  }

  private async goOn(erasure: Taken): Promise<void> {
    const deadline = performance.now() + runMs;
    // What the pass before has counted is for those who ask meanwhile.
    const isNew = erasure.place === 0 && erasure.after === null;
    let at: Taken | undefined = isNew ? { ...erasure, changed: 0, waiting: 0 } : erasure;
    while (at && performance.now() < deadline) at = await this.step(at);
    if (at) await this.note(at, { leasedUntil: new Date(0) });
  }

  /** Takes the next step, and notes how far it has come. Returns where to go on; undefined: not now. */
  private async step(at: Taken): Promise<Taken | undefined> {
    const step = erasureSteps[at.place];
    if (!step) return await this.endPass(at);
    const where = { tenant: at.tenant_id, user: at.user_id, name: at.name };
    const args = { ...where, after: at.after, most: limits.sweptAtOnce };
    const [done] = await this.database.call(step.name, args, stepRow);
    const { changed = 0, waiting = 0, reached = null } = done ?? {};
    const next: Taken = {
      ...at,
      place: reached === null ? at.place + 1 : at.place,
      after: reached,
      changed: at.changed + changed,
      waiting: at.waiting + waiting,
      erased: changed > 0 ? { ...at.erased, [step.what]: (at.erased[step.what] ?? 0) + changed } : at.erased,
    };
    await this.note(next, { leasedUntil: this.inMs(leaseMs) });
    return next;
  }

  /** After a pass that found nothing the erasure is finished. Else another pass follows, later if rows had to wait. */
  private async endPass(at: Taken): Promise<Taken | undefined> {
    const { changed, waiting } = at;
    if (changed === 0 && waiting === 0) {
      await this.note(at, { userId: null, finishedAt: this.clock.now() });
      return undefined;
    }
    const age = this.clock.now().getTime() - at.requested_at.getTime();
    const waitMs = Math.min(Math.max(age / 4, waits.shortest), waits.longest);
    const next = { ...at, place: 0, after: null, changed: 0, waiting: 0 };
    if (waiting === 0) return next;
    await this.note({ ...next, waiting }, { nextAt: this.inMs(waitMs), leasedUntil: new Date(0) });
    return undefined;
  }

  private async note(
    { tenant_id: tenantId, id, place, after, changed, waiting, erased }: Taken,
    more: { leasedUntil?: Date; nextAt?: Date; userId?: null; finishedAt?: Date },
  ): Promise<void> {
    const data = { place, after, changed, waiting, erased, ...more };
    await this.database.inScope(systemScope(tenantId), (tx) =>
      tx.erasure.updateMany({ where: { tenantId, id, finishedAt: null }, data }),
    );
  }

  private inMs(ms: number): Date {
    return new Date(this.clock.now().getTime() + ms);
  }
}
