/** What a tenant waits for its tokens and its bans while another tenant asks for ten times its share. */
import { setTimeout as delay } from 'node:timers/promises';

import { makeTenant, type Deployment, startDeployment, type Tenant } from '../support/deployment.ts';
import { es256Issuer, type Issuer } from '../support/issuers.ts';
import { load, type LoadResult, post } from '../support/load.ts';
import { heading, line, ms, note, perSecond } from '../support/report.ts';
import { rounds, seconds } from '../support/settings.ts';
import { vendRequests, warmUp } from '../support/vending.ts';

/** What the quiet tenant asks for in a second: far below what a replica serves. */
const vendsPerSecond = 50;
const bansPerSecond = 5;
/** The other tenant asks ten times as often: with a limit at the rate of the quiet one, and without; and at last as often as it can. */
const times = 10;

interface Quiet {
  vends: LoadResult;
  bans: LoadResult;
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
    const cases: Record<string, Quiet[]> = { alone: [], beyondLimit: [], tenTimes: [], flooded: [] };
    for (let round = 0; round < rounds; round++) {
      cases['alone']?.push(await ask());
      cases['beyondLimit']?.push(await beside(deployment, limited, issuers[2], vendsPerSecond * times, ask));
      cases['tenTimes']?.push(await beside(deployment, loud, issuers[1], vendsPerSecond * times, ask));
      cases['flooded']?.push(await beside(deployment, loud, issuers[1], undefined, ask));
    }
    print('alone', cases['alone'] ?? []);
    print('beside one that asks for ten times its limit', cases['beyondLimit'] ?? [], cases['alone']);
    print(`beside one with ${perSecond(vendsPerSecond * times)} vends`, cases['tenTimes'] ?? [], cases['alone']);
    print('beside one that floods over 64 connections', cases['flooded'] ?? [], cases['alone']);
  } finally {
    await deployment.stop();
  }
}

async function askQuietly({ url }: Deployment, tenant: Tenant, issuer: Issuer): Promise<Quiet> {
  const next = vendRequests(tenant, issuer, vendsPerSecond * (seconds + 1), 1);
  const run = Math.random().toString(36).slice(2, 8);
  let banned = 0;
  const ban = () => {
    const body = JSON.stringify({ userId: `${run}-${banned++}`, spaceId: tenant.spaceIds[0] });
    return post('/v1/bans', tenant.api.credential, body);
  };
  const [vends, bans] = await Promise.all([
    load({ url, connections: 16, seconds, rate: vendsPerSecond, next }),
    load({ url, connections: 4, seconds, rate: bansPerSecond, next: ban }),
  ]);
  return { vends, bans };
}

/** Lets the loud tenant ask meanwhile: it begins a second before, and ends after. @param rate undefined: as often as it can. */
async function beside(
  { url }: Deployment,
  loud: Tenant,
  issuer: Issuer,
  rate: number | undefined,
  ask: () => Promise<Quiet>,
): Promise<Quiet> {
  const next = vendRequests(loud, issuer, (rate ?? 2_500) * (seconds + 2), 1);
  const flood = load({ url, connections: 64, seconds: seconds + 2, next, ...(rate !== undefined && { rate }) });
  await delay(1_000);
  const quiet = await ask();
  const { perSecond: reached, others } = await flood;
  note(`The other tenant: ${perSecond(reached)}, ${JSON.stringify(others)} refused.`);
  return quiet;
}

/** The medians of the rounds. The quiet tenant must never be refused. */
function print(when: string, found: Quiet[], alone?: Quiet[]): void {
  for (const what of ['vends', 'bans'] as const) {
    const p99 = median(found.map((one) => one[what].p99));
    const before = alone && median(alone.map((one) => one[what].p99));
    const refused = found.flatMap((one) => Object.entries(one[what].others)).map(([status, n]) => `${n} × ${status}`);
    line(
      `${what} of a tenant, ${when}`,
      `p99 ${ms(p99)}`,
      `${before === undefined ? '' : `${(p99 / before).toFixed(1)} × alone; `}p50 ${ms(median(found.map((one) => one[what].p50)))}; ${refused.join(', ') || 'none refused'}`,
    );
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
