import { hash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { CredentialDatabase } from '../database/database.ts';
import { limits } from '../limits.ts';

/** What an allowance gives is used up and comes back over this time, in milliseconds. */
export const windowMs = 60_000;

/** Largest number of allowances that a replica keeps. The one that was used longest ago goes first, and counts as whole. */
const mostKept = 100_000;

/** A replica tells the others when it has taken this part of an allowance, and takes twice as much at most until it has. */
const toldPart = 1 / 40;

/** Least time from one such call of a replica to the next, in milliseconds: usually, and while requests wait for it. */
const settleEveryMs = 50;
const settleSoonMs = 10;

/** The same while the database does not answer. */
const settleAgainMs = 1_000;

/** Largest number of allowances of one call. */
const settledAtOnce = 500;

/** Longest wait of a request for such a call, in milliseconds. Then the replica goes by what it knows. */
const longestWaitMs = 500;

/** What somebody may do: so many times at once, and as many in a minute. */
export interface Allowance {
  readonly tenantId: string;
  /** Hash of what it is for and of whom. */
  readonly name: string;
  readonly most: number;
  /** When it is whole again, in milliseconds of `performance.now()`, for all that this replica knows. */
  wholeAt: number;
  /** Taken since the database was last told. */
  taken: number;
  /** Being told to the database. */
  told: number;
}

/** A row of `settle_allowances`. */
const settled = z.object({ tenant: z.string(), allowance: z.string(), seconds: z.number() });

/**
 * Allowances that all replicas share. A replica decides by itself at once, and tells Postgres what it has taken in steps: many
 * allowances in one call, and none of which little was taken. So together the replicas let through at most a twentieth of the
 * allowance more for each replica beside the first. While Postgres does not answer, each replica goes by what it knows itself.
 */
@Injectable()
export class SharedAllowances extends BackgroundWork {
  protected readonly everyMs = 60_000;
  private readonly logger = new Logger(SharedAllowances.name);
  /** With `max` it would take the memory of all at the start. */
  private readonly kept = new LRUCache<string, Allowance>({ maxSize: mostKept, sizeCalculation: () => 1 });
  /** Those of which enough was taken that the others must know. */
  private readonly due = new Set<Allowance>();
  /** The timer of the next call, and whether requests wait for it. None while a call is under way. */
  private nextCall: NodeJS.Timeout | undefined;
  private isWaitedFor = false;
  private isSettling = false;
  /** Of the call that is under way, or of the next one. */
  private round = Promise.withResolvers<void>();
  private isAlone = false;

  constructor(private readonly database: CredentialDatabase) {
    super();
  }

  /** Deletes those that are whole from the database. */
  async run(): Promise<void> {
    let swept: number;
    do swept = await this.database.value('sweep_allowances', { limits }, z.coerce.number());
    while (swept === limits.sweptAtOnce);
  }

  /** The allowance of this name, which is whole if nobody has used it lately. @param most as of now: it may have changed. */
  of(tenantId: string, name: string, most: number): Allowance {
    const known = this.kept.get(name);
    if (known?.most === most) return known;
    const made = {
      tenantId,
      name: hash('sha256', name, 'base64url').slice(0, 22),
      most,
      wholeAt: -Infinity,
      taken: 0,
      told: 0,
    };
    this.kept.set(name, made);
    return made;
  }

  /** Milliseconds until one more may be taken; 0: now. */
  waitMs({ wholeAt, most }: Allowance, now: number): number {
    return Math.max(0, wholeAt - now - (most - 1) * (windowMs / most));
  }

  take(allowance: Allowance, now: number): void {
    const { most } = allowance;
    allowance.wholeAt = Math.max(allowance.wholeAt, now) + windowMs / most;
    allowance.taken++;
    if (allowance.taken < most * toldPart) return;
    this.due.add(allowance);
    this.scheduleCall();
  }

  /** How many are left now, and the seconds until it is whole. */
  left({ wholeAt, most }: Allowance, now: number): { left: number; wholeInSeconds: number } {
    const aheadMs = Math.max(0, wholeAt - now);
    return {
      left: Math.max(0, Math.floor(most - aheadMs / (windowMs / most))),
      wholeInSeconds: Math.ceil(aheadMs / 1_000),
    };
  }

  /**
   * Whether the others must know first what was taken: a promise that is kept then, or soon.
   * @returns undefined: nothing has to be waited for.
   */
  untilTold({ taken, told, most }: Allowance): Promise<unknown> | undefined {
    if (this.isAlone || taken + told < Math.max(1, most * toldPart * 2)) return undefined;
    if (!this.isWaitedFor && this.nextCall) {
      clearTimeout(this.nextCall);
      this.nextCall = undefined;
    }
    this.isWaitedFor = true;
    this.scheduleCall();
    return Promise.race([this.round.promise, new Promise((resolve) => setTimeout(resolve, longestWaitMs).unref())]);
  }

  /** Number of allowances that are kept. */
  get size(): number {
    return this.kept.size;
  }

  override async beforeApplicationShutdown(): Promise<void> {
    clearTimeout(this.nextCall);
    await super.beforeApplicationShutdown();
  }

  private scheduleCall(): void {
    if (this.nextCall || this.isSettling || this.due.size === 0) return;
    const inMs = this.isAlone ? settleAgainMs : this.isWaitedFor ? settleSoonMs : settleEveryMs;
    this.nextCall = setTimeout(() => void this.settle(), inMs).unref();
  }

  private async settle(): Promise<void> {
    this.nextCall = undefined;
    this.isSettling = true;
    this.isWaitedFor = false;
    const batch = [...this.due].slice(0, settledAtOnce);
    for (const one of batch) {
      this.due.delete(one);
      [one.told, one.taken] = [one.taken, 0];
    }
    try {
      const rows = await this.database.call('settle_allowances', toArguments(batch), settled);
      const byName = new Map(rows.map((row) => [`${row.tenant} ${row.allowance}`, row.seconds]));
      const now = performance.now();
      for (const one of batch) {
        const seconds = byName.get(`${one.tenantId} ${one.name}`) ?? 0;
        one.wholeAt = now + seconds * 1_000 + one.taken * (windowMs / one.most);
        one.told = 0;
      }
      if (this.isAlone) this.logger.log('The replicas share their limits again.');
      this.isAlone = false;
    } catch (error) {
      if (this.isAlone) this.countFailure();
      else this.partFailed(error, 'The database is away. Each replica limits callers by itself.');
      this.isAlone = true;
      for (const one of batch) {
        // What is told later is no more than one step, so that nobody pays for the outage.
        one.taken = Math.min(Math.ceil(one.most * toldPart), one.taken + one.told);
        one.told = 0;
        this.due.add(one);
      }
    }
    this.isSettling = false;
    this.round.resolve();
    this.round = Promise.withResolvers();
    this.scheduleCall();
  }
}

function toArguments(batch: Allowance[]) {
  return {
    tenants: batch.map(({ tenantId }) => tenantId),
    names: batch.map(({ name }) => name),
    seconds: batch.map(({ told, most }) => (told * windowMs) / most / 1_000),
    longest: (2 * windowMs) / 1_000,
  };
}
