import { Problem } from '../errors.ts';

/** Work that waits for a place. */
interface Waiter {
  enter: () => void;
  timer: NodeJS.Timeout;
}

/** Lets a few pieces of work run at the same time. The others wait in line, and the tenants among them take turns. */
export class Line {
  private running = 0;
  /** The waiting work of each tenant, in the order of arrival. The tenant whose turn is next comes first. */
  private readonly waiting = new Map<string, Waiter[]>();

  /**
   * @param places largest number of pieces of work at the same time.
   * @param refusal what a caller reads whose work got no place in time.
   */
  constructor(
    private readonly places: number,
    private readonly refusal: string,
  ) {}

  /**
   * Runs `work` when a place is free.
   * @param deadline latest time to begin, in milliseconds of `performance.now()`.
   * @throws Problem `unavailable` if no place was free in time. Then `work` has not run.
   */
  async run<T>(tenantId: string, deadline: number, work: () => Promise<T>): Promise<T> {
    if (this.running < this.places) this.running++;
    else await this.wait(tenantId, deadline);
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  private async wait(tenantId: string, deadline: number): Promise<void> {
    await new Promise<void>((enter, reject) => {
      const timer = setTimeout(
        () => {
          this.forget(tenantId, waiter);
          reject(
            new Problem('unavailable', this.refusal, {
              retryAfterSeconds: 2,
            }),
          );
        },
        Math.max(0, deadline - performance.now()),
      );
      const waiter = { enter, timer };
      const ofTenant = this.waiting.get(tenantId);
      if (ofTenant) ofTenant.push(waiter);
      else this.waiting.set(tenantId, [waiter]);
    });
  }

  /** Gives the place of ended work to the next tenant in turn. */
  private leave(): void {
    const [next] = this.waiting;
    if (!next) {
      this.running--;
      return;
    }
    const [tenantId, [waiter, ...others]] = next;
    this.waiting.delete(tenantId);
    if (others.length > 0) this.waiting.set(tenantId, others); // at the end: the other tenants come first
    clearTimeout(waiter?.timer);
    waiter?.enter();
  }

  private forget(tenantId: string, waiter: Waiter): void {
    const others = (this.waiting.get(tenantId) ?? []).filter((one) => one !== waiter);
    if (others.length > 0) this.waiting.set(tenantId, others);
    else this.waiting.delete(tenantId);
  }
}
