import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Problem } from '../errors.ts';
import { TenantQueues } from '../ivs/tenant-queues.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { WorkRate } from './work-rate.ts';

/** Longest wait of a request for tokens until its vend begins, in milliseconds. */
const longestWaitMs = 2_000;

/** So many vends run at the same time as the replica completes in this time, in milliseconds. */
const runningMs = 250;

/** Least and largest number of vends that run at the same time. Groups of vends at the database need some. */
const fewest = 16;
const most = 128;

/** So many may always wait: a replica that is slow for a moment does not send a handful of people away. */
const fewestWaiting = 256;

/** So many run at the same time before it is known how many the replica completes. */
const atFirst = 64;

/** Clients come back somewhat too early rather than too late: to be refused once more costs little, and idle time is lost. */
const early = 1.25;

/** Nobody is told to come back later than after this time, in seconds. */
const latestReturnSeconds = 30;

/**
 * Keeps a replica from taking on more vends than it completes. A vend that is begun must end within a second, or its token
 * is withheld: if thousands began at once, none would end in time. So few run at the same time, some more wait for their
 * turn, and the others are told when to come back, before any work is done for them. Tenants take turns.
 */
@Injectable()
export class VendTurns {
  private readonly queues = new TenantQueues();
  private readonly rate = new WorkRate();
  /** When the requests that a tenant's clients were told to send again are all done, by `performance.now()`. */
  private readonly promised = new LRUCache<string, number>({ max: 10_000 });
  private running = 0;
  private waiting = 0;

  constructor(private readonly metrics: Metrics) {}

  /**
   * Waits for the turn of a vend.
   * @param tenantId the tenant whose turn it is; a name that all share whose tenant is not known yet.
   * @returns what must be called when the vend has ended. Further calls of it do nothing.
   * @throws Problem `unavailable` if the turn does not come in time. It says when to come back.
   */
  async take(tenantId: string): Promise<() => void> {
    if (this.waiting === 0 && this.running < this.places) this.running++;
    else await this.wait(tenantId);
    let hasEnded = false;
    return () => {
      if (hasEnded) return;
      hasEnded = true;
      this.running--;
      this.rate.noteEnd(performance.now(), this.waiting > 0);
      this.giveTurns();
    };
  }

  private get places(): number {
    if (!this.rate.isKnown) return atFirst;
    return Math.min(most, Math.max(fewest, Math.ceil((this.rate.perSecond * runningMs) / 1000)));
  }

  private async wait(tenantId: string): Promise<void> {
    const stop = this.metrics.vendTurns.startTimer();
    const turnsInTime = (this.rate.perSecond * longestWaitMs) / 1000;
    const canCome =
      this.waiting < Math.max(fewestWaiting, turnsInTime) || this.queues.turnCanCome(tenantId, turnsInTime);
    const given = canCome && (await this.enqueue(tenantId));
    stop({ outcome: given ? 'given' : 'refused' });
    if (given) return;
    throw new Problem('unavailable', 'More users ask for tokens than the service can answer now. Nothing was done.', {
      retryAfterSeconds: this.returnAfter(tenantId),
    });
  }

  private async enqueue(tenantId: string): Promise<boolean> {
    this.waiting++;
    try {
      return await this.queues.wait(tenantId, longestWaitMs);
    } finally {
      this.waiting--;
    }
  }

  private giveTurns(): void {
    while (this.running < this.places && this.queues.tenants > 0) {
      this.running++;
      this.queues.giveTurn();
    }
  }

  /**
   * Seconds after which the replica will have time for one more request of the tenant: when those that wait, and those that
   * were told to come back before, are done. So clients come back one after another, and not all at once.
   */
  private returnAfter(tenantId: string): number {
    const now = performance.now();
    const latest = now + latestReturnSeconds * 1_000;
    const share = Math.max(1 / (this.queues.tenants || 1), this.queues.callsOf(tenantId) / (this.waiting || 1));
    const before = Math.max(now + longestWaitMs, this.promised.get(tenantId) ?? 0);
    const at = Math.min(latest, before + 1000 / (this.rate.perSecond * early * Math.min(1, share)));
    this.promised.set(tenantId, at);
    if (at < latest) return Math.floor((at - now) / 1000);
    return Math.ceil(latestReturnSeconds * (0.5 + Math.random() / 2));
  }
}
