import { limits } from '../limits.ts';

/** Largest number of calls of a replica at the same time that are not slow, and of those to endpoints whose last attempt failed. */
const maxQuick = 200;
const maxUnsteady = 100;

/** Largest number of slow calls that take no place. Each holds a connection and some kilobytes, for six seconds at most. */
const maxSlow = 800;

/** A call on its way. */
interface Call {
  /** The last attempt of the endpoint had failed. */
  isUnsteady: boolean;
  /** When it began, in milliseconds of `performance.now()`. */
  since: number;
}

/**
 * The calls of one replica that are on their way. A slow call takes no place, so receivers that hang, also those of many
 * tenants at once, do not keep a replica from calling the others.
 */
export class CallsInFlight {
  private readonly calls = new Map<Promise<void>, Call>();

  /** @param work the call. It must not reject. */
  add(work: Promise<void>, call: Call): void {
    this.calls.set(work, call);
    void work.then(() => this.calls.delete(work));
  }

  /** How many calls may begin now, and how many of them to endpoints whose last attempt failed. */
  free(now: number): { limit: number; unsteady: number } {
    const calls = [...this.calls.values()];
    const slow = calls.filter(({ since }) => now - since > limits.slowWebhookCallSeconds * 1_000).length;
    return {
      limit: Math.max(0, maxQuick + Math.min(slow, maxSlow) - calls.length),
      unsteady: Math.max(0, maxUnsteady - calls.filter(({ isUnsteady }) => isUnsteady).length),
    };
  }

  /** Waits until all have ended. */
  async ended(): Promise<void> {
    await Promise.all(this.calls.keys());
  }
}
