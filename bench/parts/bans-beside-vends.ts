/** What moderators wait for a ban: while nothing else is asked, and while as many tokens are asked for as the service can make. */
import { setTimeout as delay } from 'node:timers/promises';

import { es256Issuer, type Issuer } from '../support/issuers.ts';
import { load, type LoadResult, post } from '../support/load.ts';
import { heading, line, ms, note, perSecond } from '../support/report.ts';
import { makeTenant, type Deployment, startDeployment, type Tenant } from '../support/deployment.ts';
import { seconds } from '../support/settings.ts';
import { vendRequests, warmUp } from '../support/vending.ts';

/** So many that vends come in groups to the database, as they do when it matters. */
const connections = 64;
const moderators = 20;
const bansPerSecond = 20;
/** Bans of people who hold a token need a call to IVS each, which takes five a second. */
const bansOfPeopleInside = 4;
/** People who have got a token so long ago that no token of theirs is on its way, in milliseconds. */
const settledMs = 1_500;

export async function bansBesideVends(): Promise<void> {
  heading('POST /v1/bans: while nothing else is asked, and beside vends at full rate');
  note(`${moderators} moderators, ${bansPerSecond} bans a second; ${connections} connections ask for tokens.`);
  const deployment = await startDeployment();
  try {
    const issuer = es256Issuer('https://es256.example');
    const tenant = await makeTenant(deployment, 'moderated', { issuers: [issuer], spaces: 20, signingKey: true });
    await warmUp(deployment, vendRequests(tenant, issuer, 6_000, 2));
    await ban(deployment, tenant, strangers('warm-up'), bansPerSecond); // the code of bans is compiled, too
    print('nothing else is asked', await ban(deployment, tenant, strangers('idle'), bansPerSecond));
    for (const inside of [false, true]) await measure(deployment, tenant, issuer, inside);
  } finally {
    await deployment.stop();
  }
}

async function measure(deployment: Deployment, tenant: Tenant, issuer: Issuer, inside: boolean): Promise<void> {
  const rate = inside ? bansOfPeopleInside : bansPerSecond;
  const people = inside ? await peopleInside(tenant, issuer, rate * (seconds + 2)) : strangers('busy');
  await delay(settledMs);
  const next = vendRequests(tenant, issuer, 2_500 * (seconds + 2), 1);
  const vends = load({ url: deployment.url, connections, seconds: seconds + 2, next });
  await delay(1_000); // the bans begin when the vends are at full rate, and end before them
  const bans = await ban(deployment, tenant, people, rate);
  const vending = await vends;
  const withheld = Object.values(vending.others).reduce((sum, times) => sum + times, 0);
  if (withheld > 0) note(`${withheld} of ${vending.answers} vends were not made in time.`);
  print(`beside ${perSecond(vending.perSecond)} vends, people who ${inside ? 'are inside' : 'never came'}`, bans);
}

/** People who may have a token, one after another. */
async function peopleInside(tenant: Tenant, issuer: Issuer, count: number): Promise<() => string> {
  const run = Math.random().toString(36).slice(2, 8);
  const people = Array.from({ length: count }, (_, n) => `inside-${run}-${n}`);
  for (const person of people) {
    await tenant.api.as(issuer.token(person)).call('POST', `/v1/spaces/${tenant.spaceIds[0]}/stage-tokens`);
  }
  return () => people.pop() ?? 'nobody is left';
}

/** People who never asked for anything. */
function strangers(name: string): () => string {
  let count = 0;
  return () => `${name}-${count++}`;
}

async function ban(deployment: Deployment, tenant: Tenant, next: () => string, rate: number): Promise<LoadResult> {
  const spaceId = tenant.spaceIds[0];
  const request = () => post('/v1/bans', tenant.api.credential, JSON.stringify({ userId: next(), spaceId }));
  return await load({ url: deployment.url, connections: moderators, seconds, rate, next: request });
}

function print(when: string, bans: LoadResult): void {
  const others = Object.entries(bans.others).map(([status, times]) => `${times} × ${status}`);
  line(
    `POST /v1/bans, ${when}`,
    `p99 ${ms(bans.p99)}`,
    `p50 ${ms(bans.p50)} · max ${ms(bans.max)}; ${bans.answers} bans, ${others.join(', ') || 'all 201'}`,
  );
}
