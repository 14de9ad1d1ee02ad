/** Sends load to the vend route and reports how many vends a second it serves and what they cost. */
import { vacuum } from './bulk-data.ts';
import { eventLoopLag } from './event-loop.ts';
import { load, type LoadResult, post } from './load.ts';
import type { Issuer } from './issuers.ts';
import { line, ms } from './report.ts';
import { processorUse, type Deployment, type Tenant } from './deployment.ts';

export interface Vending extends LoadResult {
  /** Milliseconds of processor time for a vend, by program. */
  processorMs: Record<string, number> | undefined;
  lag: { p99: number; max: number };
}

/** Requests for stage tokens of many users in turn. Each JWT is used `uses` times, the last time a few hundred requests later. */
export function vendRequests(tenant: Tenant, issuer: Issuer, count: number, uses: number): () => Buffer {
  const round = Math.max(1, Math.round(2_000 / uses));
  const requests: Buffer[] = [];
  const run = Math.random().toString(36).slice(2, 8);
  for (let person = 0; requests.length < count;) {
    const group = Array.from({ length: round }, () => {
      const space = tenant.spaceIds[person % tenant.spaceIds.length];
      return post(`/v1/spaces/${space}/stage-tokens`, issuer.token(`user-${run}-${person++}`));
    });
    for (let use = 0; use < uses; use++) requests.push(...group);
  }
  let at = 0;
  return () => {
    const request = requests[at++ % requests.length];
    if (!request) throw new Error('there are no requests');
    return request;
  };
}

/**
 * Vends until the service has compiled its code, however slow the machine is. Then Postgres analyzes its tables, which it
 * does by itself within its first minutes.
 */
export async function warmUp(deployment: Deployment, next: () => Buffer): Promise<void> {
  for (let vends = 0, round = 0; vends < 4_000 && round < 10; round++) {
    vends += (await load({ url: deployment.url, next, connections: 16, seconds: 2 })).answers;
  }
  await vacuum(deployment);
}

/** Sends load for a while and measures all programs meanwhile. */
export async function vend(
  deployment: Deployment,
  options: { next: () => Buffer; connections: number; seconds: number; rate?: number },
): Promise<Vending> {
  await eventLoopLag(deployment);
  const before = processorUse(deployment);
  const result = await load({ url: deployment.url, ...options });
  const after = processorUse(deployment);
  const lag = await eventLoopLag(deployment);
  refuseFailures(result);
  const processorMs =
    before &&
    after &&
    Object.fromEntries(
      Object.keys(after).map((who) => [who, ((after[who] ?? 0) - (before[who] ?? 0)) / result.answers]),
    );
  return { ...result, processorMs, lag };
}

/** A busy machine refuses a request now and then. More than that is a fault, and the figures would be wrong. */
export function refuseFailures({ others, answers }: LoadResult): void {
  const failed = Object.values(others).reduce((sum, times) => sum + times, 0);
  if (failed > answers / 100) throw new Error(`requests failed: ${JSON.stringify(others)} of ${answers}`);
}

/** Prints the costs of a vend. */
export function printCosts({ processorMs, lag }: Vending): void {
  if (processorMs) {
    const parts = Object.entries(processorMs).map(([who, used]) => `${who} ${used.toFixed(2)}`);
    line('  processor ms a vend', '', parts.join(' · '));
  }
  line('  event loop of the service late, p99 / max', '', `${ms(lag.p99)} / ${ms(lag.max)}`);
}

export function printLatency(rate: string, result: LoadResult): void {
  line(`  latency at ${rate}`, '', `p50 ${ms(result.p50)} · p95 ${ms(result.p95)} · p99 ${ms(result.p99)}`);
}
