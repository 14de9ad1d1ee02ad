import type { Metrics } from '../telemetry/metrics.ts';
import { NoTurn } from './ivs-errors.ts';
import { TenantQueues, type WeightOf } from './tenant-queues.ts';

/** Longest wait of a call for its turn, in milliseconds. A request waits for its turn first, and then for IVS. */
const longestWaitMs = 3_000;

/** While calls wait and the rate is used up, the replica asks for more after this time, in milliseconds. */
const askAgainMs = 200;

/**
 * Gives turns to the calls of one operation that tenants ask for, in one account and Region. All replicas share the rate,
 * in Postgres. Within a replica the tenants take turns: a tenant with many calls slows its own calls.
 */
export class TenantTurns {
  private readonly queues: TenantQueues;
  private isGiving = false;

  /**
   * @param perSecond turns a second that all tenants together have at most.
   * @param reserve reserves calls from the shared rate, at most so many, and answers how many.
   */
  constructor(
    private readonly operation: string,
    private readonly perSecond: number,
    private readonly reserve: (wanted: number) => Promise<number>,
    private readonly metrics: Metrics,
    weightOf?: WeightOf,
  ) {
    this.queues = new TenantQueues(weightOf);
  }

  /**
   * Waits for a turn of the tenant. Whoever has a turn makes one call.
   * @throws {NoTurn} at once if too many calls of the tenant wait, or if the turn does not come in time.
   */
  async wait(tenantId: string): Promise<void> {
    const stop = this.metrics.ivsTurns.startTimer({ operation: this.operation });
    const isOneTooMany = !this.queues.turnCanCome(tenantId, (this.perSecond * longestWaitMs) / 1000);
    const retryAfterSeconds = Math.ceil((this.queues.calls + 1) / this.perSecond);
    const given = !isOneTooMany && (await this.enqueue(tenantId));
    stop({ outcome: given ? 'given' : 'refused' });
    if (!given)
      throw new NoTurn(this.operation, isOneTooMany ? 'tenant' : 'account', retryAfterSeconds, this.perSecond);
  }

  /** Seconds until one more call of a tenant has its turn, after those that wait. */
  waitSeconds(tenantId: string): number {
    return this.queues.calls === 0 ? 0 : this.queues.turnsUntil(tenantId) / this.perSecond;
  }

  private async enqueue(tenantId: string): Promise<boolean> {
    const turn = this.queues.wait(tenantId, longestWaitMs);
    if (!this.isGiving) void this.giveTurns();
    return await turn;
  }

  /** Gives turns until no call waits. If the shared rate cannot be read, every waiting call fails. */
  private async giveTurns(): Promise<void> {
    this.isGiving = true;
    try {
      while (this.queues.calls > 0) {
        const wanted = this.queues.calls;
        const reserved = await this.reserve(wanted);
        for (let turn = 0; turn < reserved; turn++) this.queues.giveTurn();
        if (reserved < wanted) await new Promise((resolve) => setTimeout(resolve, askAgainMs).unref());
      }
    } catch (error) {
      this.queues.fail(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.isGiving = false;
    }
  }
}
