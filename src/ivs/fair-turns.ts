import type { Metrics } from '../telemetry/metrics.ts';
import { IvsFailure, toIvsFailure } from './ivs-errors.ts';
import { Pace } from './pace.ts';

/** Longest wait of a call for its turn, in milliseconds. The rest of its deadline is left for the answer of IVS. */
const longestWaitMs = 1_000;

/** Ends the wait of one call. `given` is true if it is its turn, false if its turn would come too late. */
type EndWait = (given: boolean) => void;

/**
 * Shares the rate of one IVS operation between the tenants of one account and Region. While IVS does not throttle, every
 * call goes out at once. When IVS throttles, calls go out at the pace that IVS accepts, and the tenants take turns. A
 * tenant that asks for less than its share gets all it asks for, however much another tenant asks for.
 *
 * Each replica has its own instance and learns which part of the rate is left for it.
 */
export class FairTurns {
  private readonly pace = new Pace();
  /** Waiting calls by tenant, the oldest first. The next turn belongs to the first tenant. No queue is empty. */
  private readonly queues = new Map<string, Set<EndWait>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly operation: string,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Makes a call when it is the tenant's turn.
   *
   * @throws {IvsFailure} the failure of the call; or `throttled` without a call, if the turn would come too late.
   */
  async inTurn<Answer>(tenantId: string, call: () => Promise<Answer>): Promise<Answer> {
    if (this.queues.size > 0 || !this.pace.takeTurn(performance.now())) await this.waitForTurn(tenantId);
    const sentAt = performance.now();
    try {
      const answer = await call();
      this.pace.accepted(sentAt, performance.now());
      return answer;
    } catch (error) {
      const failure = toIvsFailure(this.operation, error);
      if (failure.kind === 'throttled') this.pace.throttled(sentAt, performance.now());
      else if (failure.kind !== 'unavailable') this.pace.accepted(sentAt, performance.now()); // a refused call uses the rate too
      throw failure;
    }
  }

  private async waitForTurn(tenantId: string): Promise<void> {
    const stop = this.metrics.ivsTurns.startTimer({ operation: this.operation });
    const given = this.turnCanCome(tenantId) && (await this.enqueue(tenantId));
    stop({ outcome: given ? 'given' : 'refused' });
    if (!given) throw new IvsFailure('throttled', this.operation, 'NoTurn', 'more calls wait than IVS accepts');
  }

  /** Whether one more call of the tenant can have its turn in time, if all waiting calls use their turns. */
  private turnCanCome(tenantId: string): boolean {
    const queue = this.queues.get(tenantId);
    if (!queue) return true;
    const turnsInTime = (this.pace.turnsPerSecond * longestWaitMs) / 1000;
    return queue.size < turnsInTime / this.queues.size;
  }

  /** Waits at the end of the tenant's queue. Answers whether the turn came in time. */
  private async enqueue(tenantId: string): Promise<boolean> {
    const queue = this.queues.get(tenantId) ?? new Set();
    this.queues.set(tenantId, queue);
    return await new Promise((resolve) => {
      const endWait: EndWait = (given) => {
        clearTimeout(deadline);
        queue.delete(endWait);
        if (queue.size === 0) this.queues.delete(tenantId);
        resolve(given);
      };
      const deadline = setTimeout(endWait, longestWaitMs, false).unref();
      queue.add(endWait);
      this.wakeForTurn();
    });
  }

  private wakeForTurn(): void {
    if (this.queues.size === 0) return;
    this.timer ??= setTimeout(
      () => {
        this.timer = undefined;
        this.giveTurns();
        this.wakeForTurn();
      },
      Math.ceil(this.pace.untilTurn(performance.now())),
    ).unref();
  }

  /** Gives all turns that are due, to one tenant after the other. */
  private giveTurns(): void {
    // A tenant with more waiting calls moves to the end of the map. This loop then reaches it again.
    for (const [tenantId, queue] of this.queues) {
      if (!this.pace.takeTurn(performance.now())) return;
      const [first] = queue;
      first?.(true);
      if (queue.size > 0) {
        this.queues.delete(tenantId);
        this.queues.set(tenantId, queue);
      }
    }
  }
}
