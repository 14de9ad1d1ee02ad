/**
 * Webhooks: the time from the request that makes an event happen until a receiver on this machine has it, how many deliveries a
 * replica makes in a second, and what a receiver that hangs does to the others. The receivers are a process of their own.
 */
import { type Deployment, makeTenant, processorUse, type Tenant, startDeployment } from '../support/deployment.ts';
import {
  actMany,
  actOneByOne,
  type Acts,
  delaysOf,
  Observer,
  p50AndP99,
  typeOfActs,
  warmUpActs,
} from '../support/events.ts';
import type { Arrivals } from '../support/event-observer.ts';
import { heading, line, ms, note, perSecond } from '../support/report.ts';
import { seconds } from '../support/settings.ts';

const healthy = ['/first', '/second', '/third'];
/** Acts that one endpoint is told of one by one. */
const actsAlone = 100;
/** Events that happen while the endpoints are disabled. */
const actsBefore = 500;
/** Acts a second, unless that is more than half of what can be delivered. */
const mostActsASecond = 200;

export async function webhooks(): Promise<void> {
  heading('Events at webhook receivers');
  const deployment = await startDeployment({
    WEBHOOKS_ALLOW_PRIVATE_ADDRESSES: 'true',
    ACTS_PER_API_KEY_PER_MINUTE: '1000000',
  });
  const observer = await Observer.start();
  try {
    const tenant = await makeTenant(deployment, 'webhooks', { spaces: 20 });
    await warmUpActs(deployment, tenant);
    const endpoints = [await addEndpoint(observer, tenant, healthy[0] as string)];
    await oneByOne(observer, tenant);
    for (const path of healthy.slice(1)) endpoints.push(await addEndpoint(observer, tenant, path));
    const most = await atMost(deployment, observer, tenant, endpoints);

    const rate = Math.min(mostActsASecond, Math.max(1, Math.floor(most / healthy.length / 2)));
    if (rate < mostActsASecond)
      note(`${mostActsASecond} events a second are more than half of that: ${rate} are made.`);
    const well = await atRate(deployment, observer, tenant, rate);
    line(`${rate} events a second to 3 endpoints`, p50AndP99(well.delays), well.beside);
    await addEndpoint(observer, tenant, '/hang');
    const beside = await atRate(deployment, observer, tenant, rate);
    line('  the same beside a fourth that never answers', p50AndP99(beside.delays), beside.beside);
  } finally {
    await observer.program.stop();
    await deployment.stop();
  }
}

async function addEndpoint(observer: Observer, tenant: Tenant, path: string): Promise<string> {
  const body = { url: observer.url + path, types: [typeOfActs] };
  return (await tenant.api.call<{ id: string }>('POST', '/v1/webhooks', body)).id;
}

async function oneByOne(observer: Observer, tenant: Tenant): Promise<void> {
  const acts = await actOneByOne(tenant, actsAlone, 80);
  const [path] = healthy as [string];
  await observer.untilCame(path, acts.size);
  const came = (await observer.take())[path];
  const delays = delaysOf(acts, came);
  line(
    'request → event at one receiver, nothing else asked',
    p50AndP99(delays),
    `after the answer: ${p50AndP99(delaysOf(acts, came, 'answered'))}; ${delays.length} events`,
  );
}

/** Delivers what has happened while the endpoints were disabled. Returns the deliveries a second. */
async function atMost(
  deployment: Deployment,
  observer: Observer,
  tenant: Tenant,
  endpoints: string[],
): Promise<number> {
  const enable = async (enabled: boolean) => {
    for (const id of endpoints) await tenant.api.call('PATCH', `/v1/webhooks/${id}`, { enabled });
  };
  await enable(false);
  const { acts, result } = await actMany(deployment, tenant, {
    seconds: seconds / 2,
    rate: (2 * actsBefore) / seconds,
  });
  const before = processorUse(deployment);
  await enable(true);
  for (const path of healthy) await observer.untilCame(path, result.answers);
  const after = processorUse(deployment);
  const times = timesOf(await observer.take(), acts);
  const took = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1_000;
  line(
    'deliveries at most, 3 endpoints of one tenant',
    perSecond(times.length / took),
    `${times.length.toLocaleString('en')} deliveries of ${acts.size.toLocaleString('en')} events that had happened before`,
  );
  const cost = (who: string) => ms(((after?.[who] ?? Number.NaN) - (before?.[who] ?? Number.NaN)) / times.length);
  line('  processor time of a delivery', cost('service'), `and Postgres ${cost('postgres')}`);
  return times.length / took;
}

/** When events came at the healthy receivers, in order. */
function timesOf(arrivals: Arrivals, acts: Acts): number[] {
  return healthy
    .flatMap((path) => Object.entries(arrivals[path] ?? {}))
    .flatMap(([name, times]) => (acts.has(name) ? times : []))
    .toSorted((a, b) => a - b);
}

async function atRate(
  deployment: Deployment,
  observer: Observer,
  tenant: Tenant,
  rate: number,
): Promise<{ delays: number[]; beside: string }> {
  const { acts, result } = await actMany(deployment, tenant, { seconds, rate });
  for (const path of healthy) await observer.untilCame(path, result.answers);
  const hung = (await observer.counts())['/hang'] ?? 0;
  const arrivals = await observer.take();
  const delays = healthy.flatMap((path) => delaysOf(acts, arrivals[path])).toSorted((a, b) => a - b);
  const longest = `longest ${ms(delays.at(-1) ?? Number.NaN)}; ${delays.length.toLocaleString('en')} deliveries`;
  return { delays, beside: hung > 0 ? `${longest}, and ${hung} calls that hang` : longest };
}
