/** What it costs a vend that somebody is told of it: a stream, or a webhook endpoint, that asks for grant.issued. */
import type pg from 'pg';
import { setTimeout as delay } from 'node:timers/promises';

import {
  type Deployment,
  makeTenant,
  processorUse,
  startDeployment,
  type Tenant,
  withClient,
} from '../support/deployment.ts';
import { Observer } from '../support/events.ts';
import { es256Issuer, type Issuer } from '../support/issuers.ts';
import { heading, line, median, note } from '../support/report.ts';
import { rounds, seconds } from '../support/settings.ts';
import { vend, vendRequests, warmUp } from '../support/vending.ts';
import { prepareWal, walBytes, walPosition } from '../support/wal.ts';
import { untilSealed } from './record.ts';

const type = 'grant.issued';
const hook = '/vends';

interface Variant {
  what: string;
  tenant: Tenant;
  /** Where the events come; undefined: nobody asks for them. */
  source?: string;
  costs: { service: number; postgres: number; wal: number }[];
}

export async function eventsOfVends(): Promise<void> {
  heading(`What ${type} costs a vend, in turn; until all events have come and all audit entries are sealed`);
  const deployment = await startDeployment({ WEBHOOKS_ALLOW_PRIVATE_ADDRESSES: 'true' });
  const observer = await Observer.start();
  try {
    const issuer = es256Issuer('https://es256.example');
    const make = (slug: string) => makeTenant(deployment, slug, { issuers: [issuer], spaces: 20, signingKey: true });
    const [quiet, streamed, hooked] = [await make('quiet'), await make('streamed'), await make('hooked')];
    await withClient(deployment.superuserUrl, prepareWal);
    await warmUp(deployment, vendRequests(quiet, issuer, 6_000, 2));
    await observer.openStreams(deployment, streamed, 1, type);
    await hooked.api.call('POST', '/v1/webhooks', { url: observer.url + hook, types: [type] });
    const variants: Variant[] = [
      { what: 'a vend that nobody is told of', tenant: quiet, costs: [] },
      { what: '  that a stream is told of', tenant: streamed, source: 'stream', costs: [] },
      { what: '  that an endpoint is told of', tenant: hooked, source: hook, costs: [] },
    ];
    for (let round = 0; round < rounds; round++)
      for (const variant of variants) variant.costs.push(await measure(deployment, observer, issuer, variant));
    note(`Medians of ${rounds} rounds. What the programs use while nobody asks is taken off.`);
    for (const variant of variants) print(variant);
  } finally {
    await observer.program.stop();
    await deployment.stop();
  }
}

async function measure(
  deployment: Deployment,
  observer: Observer,
  issuer: Issuer,
  { tenant, source }: Variant,
): Promise<Variant['costs'][number]> {
  const next = vendRequests(tenant, issuer, 400 * seconds, 2);
  return await withClient(deployment.superuserUrl, async (client: pg.Client) => {
    await untilSealed(client);
    await client.query('vacuum'); // or autovacuum writes in between, now or not at all
    const idle = await useDuring(deployment, () => delay(2_000));
    const from = await walPosition(client);
    let vends = 0;
    const used = await useDuring(deployment, async () => {
      vends = (await vend(deployment, { next, connections: 32, seconds: seconds / 4 })).answers;
      if (source !== undefined) await observer.untilCame(source, vends);
      await untilSealed(client);
    });
    await observer.take();
    const { records } = await walBytes(client, from, await walPosition(client));
    const cost = (who: 'service' | 'postgres') =>
      (used[who] - (idle[who] / idle.milliseconds) * used.milliseconds) / vends;
    return { service: cost('service'), postgres: cost('postgres'), wal: records / vends };
  });
}

/** Milliseconds of processor time that are used while some work is done, and how long it takes. */
async function useDuring(
  deployment: Deployment,
  work: () => Promise<void>,
): Promise<{ service: number; postgres: number; milliseconds: number }> {
  const [before, since] = [processorUse(deployment), performance.now()];
  await work();
  const after = processorUse(deployment);
  const of = (who: string) => (after?.[who] ?? Number.NaN) - (before?.[who] ?? Number.NaN);
  return { service: of('service'), postgres: of('postgres'), milliseconds: performance.now() - since };
}

function print({ what, costs }: Variant): void {
  const of = (name: 'service' | 'postgres' | 'wal') => median(costs.map((one) => one[name]));
  line(
    what,
    `${(of('service') + of('postgres')).toFixed(2)} ms`,
    `service ${of('service').toFixed(2)} ms, Postgres ${of('postgres').toFixed(2)} ms, ${Math.round(of('wal')).toLocaleString('en')} B of WAL`,
  );
}
