import { type Problem, rateLimited } from '../errors.ts';

/** Largest number of reads of one tenant that wait for their turn in a replica. */
const mostWaiting = 20;

/** Longest wait of a read for its turn, in milliseconds. */
const longestWaitMs = 2_000;

/**
 * Lets each tenant do only so much at the same time, so that one cannot take what all share. The rest of a tenant waits for
 * its own turns, and no other tenant waits for it.
 */
export class TenantShare {
  private readonly tenants = new Map<string, { running: number; waiting: (() => void)[] }>();

  /** @param most largest number of works of one tenant at the same time. */
  constructor(private readonly most: number) {}

  /**
   * Runs `work` when the tenant has a turn.
   * @throws Problem `rate_limited` if too much of the tenant waits already, or if no turn came in time.
   */
  async run<T>(tenantId: string, work: () => Promise<T>): Promise<T> {
    let tenant = this.tenants.get(tenantId);
    if (!tenant) this.tenants.set(tenantId, (tenant = { running: 0, waiting: [] }));
    if (tenant.running < this.most) tenant.running++;
    else await this.turn(tenant.waiting);
    try {
      return await work();
    } finally {
      // The turn goes to the next who waits, so `running` stays as it is.
      const next = tenant.waiting.shift();
      if (next) next();
      else if (--tenant.running === 0) this.tenants.delete(tenantId);
    }
  }

  private async turn(waiting: (() => void)[]): Promise<void> {
    if (waiting.length >= mostWaiting) throw this.tooMany();
    await new Promise<void>((resolve, reject) => {
      const start = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(start), 1);
        reject(this.tooMany());
      }, longestWaitMs);
      waiting.push(start);
    });
  }

  private tooMany(): Problem {
    return rateLimited(
      `The tenant reads too much at the same time. Send at most ${this.most} requests that list or read things at a time.`,
      { policy: 'reads-at-once', quota: this.most, retryAfterSeconds: 1 },
    );
  }
}
