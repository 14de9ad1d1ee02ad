import { Injectable } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { rateLimited, rateLimitFields } from '../errors.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { type Allowance, SharedAllowances } from './shared-allowances.ts';
import { TenantLimits } from './tenant-limits.ts';

/**
 * Kinds of requests. Each has allowances of its own, so no kind uses up those of another: vends, acts of moderation, and all
 * others.
 */
export type RequestKind = 'vends' | 'acts' | 'requests';

/**
 * Acts of a caller and vends of a user have exact limits, which count what is recorded. Those that are refused before that cost
 * less, so so many times as many may be tried.
 */
const timesTried = 10;

/** The longest that a request waits until the replicas know of each other, in milliseconds. */
const longestWaitMs = 1_000;

/** An allowance that a request takes from. */
interface Limit {
  whose: 'user' | 'apiKey' | 'tenant';
  /** Name in the header fields. */
  policy: string;
  allowance: Allowance;
}

/** Limits what each user, API key and tenant may ask for. All replicas share the limits; none is asked for a request. */
@Injectable()
export class CallerLimits {
  /** Number of requests of each tenant that this replica works on. */
  private readonly running = new Map<string, number>();

  constructor(
    private readonly settings: Settings,
    private readonly tenants: TenantLimits,
    private readonly allowances: SharedAllowances,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Takes a request from the allowances of its caller and of their tenant.
   * @returns the RateLimit header fields for the caller.
   * @throws Problem `rate_limited` if one of them is used up. Then nothing is taken.
   */
  async take(caller: TenantCaller, kind: RequestKind): Promise<Record<string, string>> {
    const taken = this.limitsOf(caller, kind);
    await this.untilTold(taken);
    const now = performance.now();
    for (const limit of taken) this.assertNotUsedUp(limit, now);
    for (const { allowance } of taken) this.allowances.take(allowance, now);
    const [own] = taken;
    return own ? this.headersOf(own, now) : {};
  }

  /**
   * Refuses a request about a tenant whose allowance is used up, before work is done to find out which of its users sends it.
   * Nothing is taken.
   * @throws Problem `rate_limited`
   */
  refuseUsedUp(tenantId: string, kind: RequestKind): void {
    if (kind !== 'acts') this.assertNotUsedUp(this.limitOfTenant(tenantId, kind), performance.now());
  }

  /**
   * Notes that this replica works on a request of a tenant.
   * @returns what must be called when it has its answer.
   * @throws Problem `rate_limited` if it works on too many.
   */
  begin(tenantId: string): () => void {
    const running = this.running.get(tenantId) ?? 0;
    const most = this.tenants.of(tenantId).requestsAtOnce;
    if (running >= most) {
      this.metrics.limited.inc({ limit: 'atOnce' });
      const detail = `The tenant has ${most} requests under way. Send fewer at the same time.`;
      throw rateLimited(detail, { policy: 'at-once', quota: most, retryAfterSeconds: 1 });
    }
    this.running.set(tenantId, running + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = (this.running.get(tenantId) ?? 1) - 1;
      if (left === 0) this.running.delete(tenantId);
      else this.running.set(tenantId, left);
    };
  }

  private limitsOf({ kind: caller, id, tenantId }: TenantCaller, kind: RequestKind): Limit[] {
    const whose = caller === 'user' ? 'user' : 'apiKey';
    const own = this.allowances.of(tenantId, `${kind} ${caller} ${tenantId} ${id}`, this.mostOf(whose, kind));
    const limit: Limit = { whose, policy: policyOf[kind], allowance: own };
    // Acts have no limit of the tenant: one moderator must not use up what another one needs.
    return kind === 'acts' ? [limit] : [limit, this.limitOfTenant(tenantId, kind)];
  }

  private limitOfTenant(tenantId: string, kind: 'vends' | 'requests'): Limit {
    const { requestsPerMinute, vendsPerMinute } = this.tenants.of(tenantId);
    const most = kind === 'vends' ? vendsPerMinute : requestsPerMinute;
    const allowance = this.allowances.of(tenantId, `${kind} tenant ${tenantId}`, most);
    return { whose: 'tenant', policy: `tenant-${policyOf[kind]}`, allowance };
  }

  private mostOf(whose: 'user' | 'apiKey', kind: RequestKind): number {
    const { settings } = this;
    if (whose === 'user') {
      if (kind === 'vends') return settings.vendsPerUserPerMinute * timesTried;
      return kind === 'acts' ? settings.actsPerModeratorPerMinute * timesTried : settings.requestsPerUserPerMinute;
    }
    if (kind === 'acts') return settings.actsPerApiKeyPerMinute * timesTried;
    return kind === 'vends' ? settings.vendsPerApiKeyPerMinute : settings.requestsPerApiKeyPerMinute;
  }

  /** Waits while this replica has taken more than the others know of. That is rare: see `SharedAllowances`. */
  private async untilTold(taken: Limit[]): Promise<void> {
    const deadline = performance.now() + longestWaitMs;
    for (;;) {
      const waits = taken
        .map(({ allowance }) => this.allowances.untilTold(allowance))
        .filter((wait) => wait !== undefined);
      if (waits.length === 0 || performance.now() > deadline) return;
      await Promise.all(waits);
    }
  }

  private assertNotUsedUp({ whose, policy, allowance }: Limit, now: number): void {
    const waitMs = this.allowances.waitMs(allowance, now);
    if (waitMs === 0) return;
    this.metrics.limited.inc({ limit: whose });
    const { most } = allowance;
    throw rateLimited(`${words[whose]} sends more than ${most} requests of this kind in a minute.`, {
      policy,
      quota: most,
      windowSeconds: 60,
      retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1_000)),
    });
  }

  private headersOf({ policy, allowance }: Limit, now: number): Record<string, string> {
    const { left, wholeInSeconds } = this.allowances.left(allowance, now);
    return rateLimitFields({ policy, quota: allowance.most, windowSeconds: 60 }, left, wholeInSeconds);
  }
}

const policyOf = { vends: 'vend-requests', acts: 'act-requests', requests: 'requests' } as const;

const words = { user: 'The user', apiKey: 'The API key', tenant: 'The tenant' } as const;
