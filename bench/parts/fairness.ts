/** What a tenant waits for its tokens and its bans while another tenant asks for ten times its share. */
import { setTimeout as delay } from 'node:timers/promises';

import { makeTenant, processorUse, type Deployment, startDeployment, type Tenant } from '../support/deployment.ts';
import { es256Issuer, type Issuer } from '../support/issuers.ts';
import { load, type LoadResult, post } from '../support/load.ts';
import { heading, line, median, ms, note, percentile, perSecond } from '../support/report.ts';
import { rounds, seconds } from '../support/settings.ts';
import { vendRequests, warmUp } from '../support/vending.ts';

/** What the quiet tenant asks for in a second: far below what a replica serves. */
const vendsPerSecond = 50;
const bansPerSecond = 5;
/**
 * The other tenant asks as often, which is its share, and then ten times as often: with a limit at its share, and without. At
 * last it asks as often as it can.
 */
const times = 10;

/** So many times as long as other parts: the slowest of a hundred bans are a handful, and a figure of theirs means little. */
const longer = 3;

/** What the others are compared with. */
const alone = 'alone';
const atItsShare = 'beside one at its share';

/** What the quiet tenant was answered, in one round. */
interface Quiet {
  vends: LoadResult;
  bans: LoadResult;
  /** Cores that all programs kept busy meanwhile, the generator of the load among them. */
  cores: number;
}

export async function fairness(): Promise<void> {
  heading('A tenant beside another one that asks for ten times its share');
  note(`The quiet tenant asks for ${vendsPerSecond} stage tokens and ${bansPerSecond} bans a second.`);
  const deployment = await startDeployment();
  try {
    const issuers = [
      es256Issuer('https://quiet.example'),
      es256Issuer('https://loud.example'),
      es256Issuer('https://limited.example'),
    ] as const;
    const quiet = await makeTenant(deployment, 'quiet', { issuers: [issuers[0]], spaces: 5, signingKey: true });
    const loud = await makeTenant(deployment, 'loud', { issuers: [issuers[1]], spaces: 5, signingKey: true });
    const limited = await makeTenant(deployment, 'limited', { issuers: [issuers[2]], spaces: 5, signingKey: true });
    await deployment.operator.call('PATCH', `/v1/tenants/${limited.id}`, {
      limits: { vendsPerMinute: vendsPerSecond * 60 },
    });
    await warmUp(deployment, vendRequests(loud, issuers[1], 6_000, 2));
    const ask = async () => await askQuietly(deployment, quiet, issuers[0]);
    await ask(); // the code of bans is compiled, too
    const tenTimes = vendsPerSecond * times;
    const cases: Record<string, () => Promise<Quiet>> = {
      [alone]: ask,
      [atItsShare]: () => beside(deployment, limited, issuers[2], vendsPerSecond, ask),
      'beside one that asks for ten times its limit': async () => {
        await useUp(deployment, limited, issuers[2]);
        return await beside(deployment, limited, issuers[2], tenTimes, ask);
      },
      [`beside one with ${perSecond(tenTimes)} vends`]: () => beside(deployment, loud, issuers[1], tenTimes, ask),
      'beside one that floods over 64 connections': () => beside(deployment, loud, issuers[1], undefined, ask),
    };
    const found = new Map(Object.keys(cases).map((name) => [name, [] as Quiet[]]));
    for (let round = 0; round < rounds; round++) {
      for (const [name, run] of Object.entries(cases)) found.get(name)?.push(await run());
    }
    for (const [name, all] of found) print(name, all, found);
  } finally {
    await deployment.stop();
  }
}

async function askQuietly(deployment: Deployment, tenant: Tenant, issuer: Issuer): Promise<Quiet> {
  const { url } = deployment;
  const lasts = seconds * longer;
  const next = vendRequests(tenant, issuer, vendsPerSecond * (lasts + 1), 1);
  const run = Math.random().toString(36).slice(2, 8);
  let banned = 0;
  const ban = () => {
    const body = JSON.stringify({ userId: `${run}-${banned++}`, spaceId: tenant.spaceIds[0] });
    return post('/v1/bans', tenant.api.credential, body);
  };
  const before = usedMs(deployment);
  const [vends, bans] = await Promise.all([
    load({ url, connections: 16, seconds: lasts, rate: vendsPerSecond, next }),
    load({ url, connections: 4, seconds: lasts, rate: bansPerSecond, next: ban }),
  ]);
  return { vends, bans, cores: (usedMs(deployment) - before) / 1_000 / vends.seconds };
}

function usedMs(deployment: Deployment): number {
  return Object.values(processorUse(deployment) ?? { unknown: NaN }).reduce((sum, ms) => sum + ms, 0);
}

/** Lets the loud tenant ask meanwhile: it begins a second before, and ends after. @param rate undefined: as often as it can. */
async function beside(
  { url }: Deployment,
  loud: Tenant,
  issuer: Issuer,
  rate: number | undefined,
  ask: () => Promise<Quiet>,
): Promise<Quiet> {
  const lasts = seconds * longer + 2;
  const next = vendRequests(loud, issuer, (rate ?? 2_500) * lasts, 1);
  const flood = load({ url, connections: 64, seconds: lasts, next, ...(rate !== undefined && { rate }) });
  await delay(1_000);
  const quiet = await ask();
  const { perSecond: reached, others } = await flood;
  note(`The other tenant: ${perSecond(reached)}, ${JSON.stringify(others)} refused.`);
  return quiet;
}

/** A tenant may have the vends of a minute at once. Lets it have them, so that its limit holds from now on. */
async function useUp({ url }: Deployment, tenant: Tenant, issuer: Issuer): Promise<void> {
  for (let vends = Infinity; vends > 2 * vendsPerSecond;) {
    const next = vendRequests(tenant, issuer, 2_500, 1);
    const { answers, others } = await load({ url, connections: 64, seconds: 1, next });
    vends = answers - (others['429'] ?? 0);
  }
}

/** All answers of all rounds together. The quiet tenant must never be refused. */
function print(when: string, found: Quiet[], all: Map<string, Quiet[]>): void {
  const cores = median(found.map((one) => one.cores)).toFixed(1);
  for (const what of ['vends', 'bans'] as const) {
    const at = (share: number, of: Quiet[] = found) =>
      percentile(Float64Array.from(of.flatMap((one) => one[what].latencies)).sort(), share);
    const refused = found.flatMap((one) => Object.entries(one[what].others)).map(([status, n]) => `${n} × ${status}`);
    const ratios = [alone, atItsShare].map((name) => `${(at(0.99) / at(0.99, all.get(name))).toFixed(1)} × ${name}`);
    const rest = [`p50 ${ms(at(0.5))}`, refused.join(', ') || 'none refused', `${cores} cores busy`];
    line(`${what} of a tenant, ${when}`, `p99 ${ms(at(0.99))}`, [...ratios, ...rest].join('; '));
  }
}
