import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Problem } from '../errors.ts';
import { TenantQueues } from '../ivs/tenant-queues.ts';
import { TenantLimits } from '../limiting/tenant-limits.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { WorkRate } from './work-rate.ts';

/** Requests wait in line whose turn comes within this time, in milliseconds, as far as the replica knows. */
const lineMs = 5_000;

/** Longest wait of a request in line, in milliseconds: a replica may become slower than it was. */
const longestWaitMs = 8_000;

/** How often the replica looks whether all who wait in line can have their turn in time, in milliseconds. */
const lookMs = 250;

/** So many vends run at the same time as the replica completes in this time, in milliseconds. */
const runningMs = 250;

/** Least and largest number of vends that run at the same time. Groups of vends at the database need some. */
const fewest = 16;
const most = 128;

/** So many may always wait: a replica that is slow for a moment does not send a handful of people away. */
const fewestWaiting = 256;

/** No more wait, however fast the replica is: each holds some memory. */
const mostWaiting = 10_000;

/** So many run at the same time before it is known how many the replica completes. */
const atFirst = 64;

/** Clients come back so much earlier than there is time for them. They wait in line then, and the replica is never idle. */
const early = 1.25;

/** Nobody is told to come back later than after this time, in seconds. */
const latestReturnSeconds = 30;

/**
 * Keeps a replica from taking on more vends than it completes. A vend that is begun must end within a second, or its token
 * is withheld: if thousands began at once, none would end in time. So few run at the same time. Others wait in line, as many
 * as the replica completes in some seconds, and the rest are told when to come back, before any work is done for them.
 * Tenants take turns.
 */
@Injectable()
export class VendTurns {
  private readonly queues: TenantQueues;
  private readonly rate = new WorkRate();
  /** When the requests that a tenant's clients were told to send again are all done, by `performance.now()`. */
  private readonly promised = new LRUCache<string, number>({ max: 10_000 });
  private running = 0;
  private acts = 0;
  private look: NodeJS.Timeout | undefined;

  constructor(
    private readonly metrics: Metrics,
    limits: TenantLimits,
  ) {
    this.queues = new TenantQueues((tenantId) => limits.of(tenantId).weight);
  }

  /**
   * Waits for the turn of a vend.
   * @param tenantId the tenant whose turn it is; a name that all share whose tenant is not known yet.
   * @param onWait gets a function that ends the wait, if there is one. Call it when the client is gone.
   * @returns what must be called when the vend has ended. Further calls of it do nothing.
   * @throws Problem `unavailable` if the turn does not come in time. It says when to come back.
   */
  async take(tenantId: string, onWait?: (leave: () => void) => void): Promise<() => void> {
    if (this.queues.calls === 0 && this.running < this.places) this.running++;
    else await this.wait(tenantId, onWait);
    let hasEnded = false;
    return () => {
      if (hasEnded) return;
      hasEnded = true;
      this.running--;
      this.rate.noteEnd(performance.now(), this.queues.calls > 0);
      this.giveTurns();
    };
  }

  /**
   * Notes that something was asked for that must not wait for vends, such as a ban. Until it has its answer, as few vends
   * run as can be, so that it finds short queues everywhere: on this thread, at the signatures, and at Postgres.
   * @returns what must be called when it has its answer. Further calls of it do nothing.
   */
  letPass(): () => void {
    this.acts++;
    let hasPassed = false;
    return () => {
      if (hasPassed) return;
      hasPassed = true;
      this.acts--;
      this.giveTurns();
    };
  }

  private get places(): number {
    if (this.acts > 0) return fewest;
    if (!this.rate.isKnown) return atFirst;
    return Math.min(most, Math.max(fewest, Math.ceil((this.rate.perSecond * runningMs) / 1000)));
  }

  /** The length of the line: so many turns come in time, or are worth a wait. */
  private get turnsInTime(): number {
    return Math.min(mostWaiting, Math.max(fewestWaiting, (this.rate.perSecond * lineMs) / 1000));
  }

  private async wait(tenantId: string, onWait?: (leave: () => void) => void): Promise<void> {
    const stop = this.metrics.vendTurns.startTimer();
    const turns = this.turnsInTime;
    const canCome = this.queues.calls < turns || this.queues.turnCanCome(tenantId, turns);
    if (canCome) this.look ??= setInterval(() => this.shorten(), lookMs).unref();
    const given = canCome && (await this.queues.wait(tenantId, longestWaitMs, onWait));
    stop({ outcome: given ? 'given' : 'refused' });
    if (given) return;
    throw new Problem('unavailable', 'More users ask for tokens than the service can answer now. Nothing was done.', {
      retryAfterSeconds: this.returnAfter(tenantId),
    });
  }

  private giveTurns(): void {
    while (this.running < this.places && this.queues.tenants > 0) {
      this.running++;
      this.queues.giveTurn();
    }
  }

  /** Tells those who came last to come back, as soon as the replica knows that their turn will not come in time. */
  private shorten(): void {
    if (this.rate.isKnown) this.queues.keepNext(this.turnsInTime);
    if (this.queues.calls > 0) return;
    clearInterval(this.look);
    this.look = undefined;
  }

  /**
   * Seconds after which the replica will have time for one more request of the tenant: when those that wait, and those that
   * were told to come back before, are done. So clients come back one after another, and not all at once.
   */
  private returnAfter(tenantId: string): number {
    const { calls, tenants } = this.queues;
    const { perSecond } = this.rate;
    const now = performance.now();
    const share = Math.min(1, Math.max(1 / (tenants || 1), this.queues.callsOf(tenantId) / (calls || 1)));
    const before = Math.max(now + (calls / perSecond) * 1_000, this.promised.get(tenantId) ?? 0);
    const at = Math.min(now + latestReturnSeconds * early * 1_000, before + 1_000 / (perSecond * share));
    this.promised.set(tenantId, at);
    const seconds = Math.floor((at - now) / early / 1_000);
    if (seconds < latestReturnSeconds) return Math.max(1, seconds);
    return Math.ceil(latestReturnSeconds * (0.5 + Math.random() / 2));
  }
}
