/** Ends the wait of one call: it is its turn, it waits no longer, or what gives the turns has failed. */
type EndWait = (outcome: boolean | Error) => void;

/** How many turns a tenant has where a tenant with 1 has one. */
export type WeightOf = (tenantId: string) => number;

/** The waiting calls of a tenant, the oldest first, and the weight of the tenant when the first of them came. */
interface Queue {
  calls: Set<EndWait>;
  weight: number;
}

/**
 * Calls that wait for their turn. The tenants take turns, and the calls of one tenant keep their order. A tenant with a weight
 * has as many turns one after the other.
 */
export class TenantQueues {
  /** Queues by tenant. The next turn belongs to the first tenant. No queue is empty. */
  private readonly queues = new Map<string, Queue>();
  private size = 0;
  /** The weights of all queues together. */
  private weights = 0;
  /** The tenant that had the last turn, and how many it has had one after the other. */
  private last: { tenantId: string; turns: number } | undefined;

  constructor(private readonly weightOf: WeightOf = () => 1) {}

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
    return this.queues.get(tenantId)?.calls.size ?? 0;
  }

  /**
   * Whether one more call of the tenant can have its turn in time, if all waiting calls use their turns. A tenant without a
   * waiting call can always wait.
   * @param turns number of turns that are given in this time.
   */
  turnCanCome(tenantId: string, turns: number): boolean {
    const queue = this.queues.get(tenantId);
    return queue === undefined || queue.calls.size < (turns * queue.weight) / this.weights;
  }

  /** How many turns are given, about, until one more call of the tenant has its own, if all waiting calls use theirs. */
  turnsUntil(tenantId: string): number {
    const queue = this.queues.get(tenantId);
    const weight = queue?.weight ?? this.weightOf(tenantId);
    const weights = queue ? this.weights : this.weights + weight;
    return Math.min(this.size + 1, Math.ceil((this.callsOf(tenantId) + 1) / weight) * weights);
  }

  /**
   * Waits at the end of the tenant's queue, at most this many milliseconds. Answers whether the turn came.
   * @param onWait gets a function that ends the wait without a turn.
   */
  async wait(tenantId: string, longestMs: number, onWait?: (leave: () => void) => void): Promise<boolean> {
    const queue = this.queues.get(tenantId) ?? this.begin(tenantId);
    return await new Promise((resolve, reject) => {
      const endWait: EndWait = (outcome) => {
        if (!queue.calls.delete(endWait)) return;
        clearTimeout(deadline);
        this.size--;
        if (queue.calls.size === 0) {
          this.queues.delete(tenantId);
          this.weights -= queue.weight;
        }
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      const deadline = setTimeout(endWait, longestMs, false).unref();
      queue.calls.add(endWait);
      this.size++;
      onWait?.(() => endWait(false));
    });
  }

  /** Gives the next turn, if a call waits. */
  giveTurn(): void {
    const [next] = this.queues;
    if (!next) return;
    const [tenantId, queue] = next;
    const turns = this.last?.tenantId === tenantId ? this.last.turns + 1 : 1;
    this.last = { tenantId, turns };
    const [first] = queue.calls;
    first?.(true);
    if (queue.calls.size === 0 || turns < queue.weight) return;
    // A tenant with more waiting calls moves to the end of the map.
    this.last = undefined;
    this.queues.delete(tenantId);
    this.queues.set(tenantId, queue);
  }

  /** Ends the wait of those calls, the newest of their tenants, whose turn is not among the next ones. */
  keepNext(turns: number): void {
    if (this.size <= turns) return;
    const all = [...this.queues.values()].toSorted((a, b) => a.calls.size / a.weight - b.calls.size / b.weight);
    let left = turns;
    let { weights } = this;
    let share = 0; // turns for each weight
    for (const { calls, weight } of all) {
      share = left / weights;
      if (calls.size > share * weight) break;
      left -= calls.size;
      weights -= weight;
    }
    for (const { calls, weight } of all) {
      for (const endWait of [...calls].slice(Math.floor(share * weight))) endWait(false);
    }
  }

  /** Ends the wait of every call with an error. */
  fail(error: Error): void {
    for (const { calls } of this.queues.values()) for (const endWait of calls) endWait(error);
  }

  private begin(tenantId: string): Queue {
    const queue = { calls: new Set<EndWait>(), weight: this.weightOf(tenantId) };
    this.queues.set(tenantId, queue);
    this.weights += queue.weight;
    return queue;
  }
}
