/** Ends the wait of one call: it is its turn, it waits no longer, or what gives the turns has failed. */
type EndWait = (outcome: boolean | Error) => void;

/** Calls that wait for their turn. The tenants take turns, and the calls of one tenant keep their order. */
export class TenantQueues {
  /** Waiting calls by tenant, the oldest first. The next turn belongs to the first tenant. No queue is empty. */
  private readonly queues = new Map<string, Set<EndWait>>();
  private size = 0;

  /** Number of tenants with a waiting call. */
  get tenants(): number {
    return this.queues.size;
  }

  /** Number of waiting calls. */
  get calls(): number {
    return this.size;
  }

  /** Number of waiting calls of a tenant. */
  callsOf(tenantId: string): number {
    return this.queues.get(tenantId)?.size ?? 0;
  }

  /**
   * Whether one more call of the tenant can have its turn in time, if all waiting calls use their turns. A tenant without a
   * waiting call can always wait.
   * @param turns number of turns that are given in this time.
   */
  turnCanCome(tenantId: string, turns: number): boolean {
    const queue = this.queues.get(tenantId);
    return queue === undefined || queue.size < turns / this.queues.size;
  }

  /**
   * Waits at the end of the tenant's queue, at most this many milliseconds. Answers whether the turn came.
   * @param onWait gets a function that ends the wait without a turn.
   */
  async wait(tenantId: string, longestMs: number, onWait?: (leave: () => void) => void): Promise<boolean> {
    const queue = this.queues.get(tenantId) ?? new Set();
    this.queues.set(tenantId, queue);
    return await new Promise((resolve, reject) => {
      const endWait: EndWait = (outcome) => {
        if (!queue.delete(endWait)) return;
        clearTimeout(deadline);
        this.size--;
        if (queue.size === 0) this.queues.delete(tenantId);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      const deadline = setTimeout(endWait, longestMs, false).unref();
      queue.add(endWait);
      this.size++;
      onWait?.(() => endWait(false));
    });
  }

  /** Gives the next turn, if a call waits. */
  giveTurn(): void {
    const [next] = this.queues;
    if (!next) return;
    const [tenantId, queue] = next;
    const [first] = queue;
    first?.(true);
    if (queue.size === 0) return;
    // A tenant with more waiting calls moves to the end of the map.
    this.queues.delete(tenantId);
    this.queues.set(tenantId, queue);
  }

  /** Ends the wait of those calls, the newest of their tenants, whose turn is not among the next ones. */
  keepNext(turns: number): void {
    if (this.size <= turns) return;
    const sizes = [...this.queues.values()].map(({ size }) => size).sort((a, b) => a - b);
    let [left, share] = [turns, 0];
    for (const [nth, size] of sizes.entries()) {
      share = Math.floor(left / (sizes.length - nth));
      if (size > share) break;
      left -= size;
    }
    for (const queue of this.queues.values()) for (const endWait of [...queue].slice(share)) endWait(false);
  }

  /** Ends the wait of every call with an error. */
  fail(error: Error): void {
    for (const queue of this.queues.values()) for (const endWait of queue) endWait(error);
  }
}
