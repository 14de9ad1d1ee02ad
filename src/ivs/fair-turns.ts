import type { Metrics } from '../telemetry/metrics.ts';
import { NoTurn, toIvsFailure } from './ivs-errors.ts';
import { Pace } from './pace.ts';
import { TenantQueues, type WeightOf } from './tenant-queues.ts';

/** Longest wait of a call for its turn, in milliseconds. The rest of its deadline is left for the answer of IVS. */
const longestWaitMs = 1_000;

/**
 * Shares the rate of one IVS operation between the tenants of one account and Region. While IVS does not throttle, every
 * call goes out at once. When IVS throttles, calls go out at the pace that IVS accepts, and the tenants take turns. A
 * tenant that asks for less than its share gets all it asks for, however much another tenant asks for.
 *
 * Each replica has its own instance and learns which part of the rate is left for it.
 */
export class FairTurns {
  private readonly pace = new Pace();
  private readonly queues: TenantQueues;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly operation: string,
    private readonly metrics: Metrics,
    weightOf?: WeightOf,
  ) {
    this.queues = new TenantQueues(weightOf);
  }

  /**
   * Makes a call when it is the tenant's turn.
   *
   * @throws {IvsFailure} the failure of the call; or `NoTurn` at once and without a call, if the turn would come too late. It says
   * when a turn will be free.
   */
  async inTurn<Answer>(tenantId: string, call: () => Promise<Answer>): Promise<Answer> {
    if (this.queues.tenants > 0 || !this.pace.takeTurn(performance.now())) await this.waitForTurn(tenantId);
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

  /** Seconds until one more call of a tenant has its turn, after those that wait. */
  waitSeconds(tenantId: string): number {
    const { turnsPerSecond } = this.pace;
    return this.queues.calls === 0 ? 0 : this.queues.turnsUntil(tenantId) / turnsPerSecond;
  }

  private async waitForTurn(tenantId: string): Promise<void> {
    const stop = this.metrics.ivsTurns.startTimer({ operation: this.operation });
    const { turnsPerSecond } = this.pace;
    const canCome = this.queues.turnCanCome(tenantId, (turnsPerSecond * longestWaitMs) / 1000);
    const given = canCome && (await this.enqueue(tenantId));
    stop({ outcome: given ? 'given' : 'refused' });
    if (given) return;
    const retryAfterSeconds = Math.max(1, Math.ceil(this.queues.turnsUntil(tenantId) / this.pace.turnsPerSecond));
    throw new NoTurn(this.operation, 'account', retryAfterSeconds, turnsPerSecond);
  }

  private async enqueue(tenantId: string): Promise<boolean> {
    const turn = this.queues.wait(tenantId, longestWaitMs);
    this.wakeForTurn();
    return await turn;
  }

  private wakeForTurn(): void {
    if (this.queues.tenants === 0) return;
    this.timer ??= setTimeout(
      () => {
        this.timer = undefined;
        while (this.queues.tenants > 0 && this.pace.takeTurn(performance.now())) this.queues.giveTurn();
        this.wakeForTurn();
      },
      Math.ceil(this.pace.untilTurn(performance.now())),
    ).unref();
  }
}
