import type { Metrics } from '../telemetry/metrics.ts';
import { IvsFailure, toIvsFailure } from './ivs-errors.ts';
import { Pace } from './pace.ts';

/** Longest a call waits for its turn, in milliseconds. What is left of its time is for IVS to answer. */
const longestWaitMs = 1_000;

/** Ends a wait: it is one's turn, or it will not be in time. */
type Waiting = (given: boolean) => void;

/**
 * Who may call an operation next whose rate several tenants share, in one account and Region. While IVS does not throttle,
 * everybody at once. Once it does, calls go at the pace it keeps up with, and the tenants take turns: whoever asks for
 * less than his share gets all of it, however much another asks for.
 *
 * Each replica does this by itself, and learns what is left for it.
 */
export class FairTurns {
  private readonly pace = new Pace();
  /** The calls that wait, by tenant, first come first; the tenant whose turn it is stands first. None is empty. */
  private readonly queues = new Map<string, Set<Waiting>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly operation: string,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Makes a call when it is the tenant's turn.
   *
   * @throws {IvsFailure} of the call; or `throttled` without having called, if it would not be the tenant's turn in time.
   */
  async inTurn<Answer>(tenantId: string, call: () => Promise<Answer>): Promise<Answer> {
    if (this.queues.size > 0 || !this.pace.takeTurn(performance.now())) await this.turn(tenantId);
    const sentAt = performance.now();
    try {
      const answer = await call();
      this.pace.took(sentAt, performance.now());
      return answer;
    } catch (error) {
      const failure = toIvsFailure(this.operation, error);
      if (failure.kind === 'throttled') this.pace.throttled(sentAt, performance.now());
      else if (failure.kind !== 'unavailable') this.pace.took(sentAt, performance.now()); // a refusal uses the rate too
      throw failure;
    }
  }

  private async turn(tenantId: string): Promise<void> {
    const stop = this.metrics.ivsTurns.startTimer({ operation: this.operation });
    const given = this.hasRoom(tenantId) && (await this.wait(tenantId));
    stop({ outcome: given ? 'given' : 'refused' });
    if (!given) throw new IvsFailure('throttled', this.operation, 'NoTurn', 'more calls wait than IVS takes');
  }

  /** Whether one more call of the tenant could have its turn in time, if all others that wait use theirs. */
  private hasRoom(tenantId: string): boolean {
    const queue = this.queues.get(tenantId);
    if (!queue) return true;
    const turnsInTime = (this.pace.turnsPerSecond * longestWaitMs) / 1000;
    return queue.size < turnsInTime / this.queues.size;
  }

  private async wait(tenantId: string): Promise<boolean> {
    const queue = this.queues.get(tenantId) ?? new Set();
    this.queues.set(tenantId, queue);
    return await new Promise((resolve) => {
      const waiting: Waiting = (given) => {
        clearTimeout(deadline);
        queue.delete(waiting);
        if (queue.size === 0) this.queues.delete(tenantId);
        resolve(given);
      };
      const deadline = setTimeout(waiting, longestWaitMs, false).unref();
      queue.add(waiting);
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

  /** Gives the turns that are due, one tenant after the other. */
  private giveTurns(): void {
    // Who has had his turn and waits for another goes to the end of the map, and so comes up again in this same loop.
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
