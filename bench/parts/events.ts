/**
 * Streams of events: what 5,000 of them cost one replica in memory and processor time, and the time from the request that makes
 * an event happen until each stream of the tenant has it.
 */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

import { type Deployment, makeTenant, type Tenant, startDeployment } from '../support/deployment.ts';
import { processorMs } from '../support/processes.ts';
import { heading, line, ms } from '../support/report.ts';

const tenants = 5;
const streamsOfTenant = 1_000;
/** Connections that are opened at the same time. */
const openedAtOnce = 50;
const events = 200;

/** An open stream, and the time at which each name of a space came, in milliseconds of `performance.now()`. */
interface Stream {
  request: http.ClientRequest;
  arrivals: Map<string, number>;
}

export async function eventStreams(): Promise<void> {
  heading(`${(tenants * streamsOfTenant).toLocaleString('en')} streams of events on one replica`);
  const deployment = await startDeployment({ EVENT_STREAMS_PER_TENANT: String(streamsOfTenant) });
  try {
    const made: Tenant[] = [];
    for (let n = 0; n < tenants; n++) made.push(await makeTenant(deployment, `streams-${n}`, {}));
    await warmUp(deployment, made[0] as Tenant);
    await delay(2_000);
    const before = { bytes: residentBytes(deployment), ms: processorMs(deployment.service.pid) ?? Number.NaN };
    const streams = new Map<string, Stream[]>();
    for (const tenant of made) streams.set(tenant.id, await openAll(deployment, tenant, streamsOfTenant));
    await delay(2_000);
    const opened = { bytes: residentBytes(deployment), ms: processorMs(deployment.service.pid) ?? Number.NaN };
    const count = tenants * streamsOfTenant;
    line('memory of an open stream', `${((opened.bytes - before.bytes) / count / 1024).toFixed(1)} KB`, 'resident');
    line('processor time to open one', ms((opened.ms - before.ms) / count));
    await delay(30_000);
    const idle = processorMs(deployment.service.pid) ?? Number.NaN;
    line('processor time of all while nothing happens', `${((idle - opened.ms) / 320).toFixed(1)} %`, 'of one core');

    const [tenant] = made as [Tenant];
    const delays = await makeEvents(tenant, streams.get(tenant.id) ?? []);
    line('request → event at a stream, p50', ms(at(delays, 0.5)), `${delays.length.toLocaleString('en')} arrivals`);
    line('request → event at a stream, p99', ms(at(delays, 0.99)));
    const worked = (processorMs(deployment.service.pid) ?? Number.NaN) - idle;
    line('processor time of an event at 1,000 streams', ms(worked / events), 'the request included');
    for (const stream of [...streams.values()].flat()) stream.request.destroy();
  } finally {
    await deployment.stop();
  }
}

/** Opens and closes streams, so that what the first ones need is not counted. */
async function warmUp(deployment: Deployment, tenant: Tenant): Promise<void> {
  for (const stream of await openAll(deployment, tenant, 200)) stream.request.destroy();
}

async function openAll(deployment: Deployment, tenant: Tenant, count: number): Promise<Stream[]> {
  const opened: Stream[] = [];
  while (opened.length < count) {
    const next = Math.min(openedAtOnce, count - opened.length);
    opened.push(...(await Promise.all(Array.from({ length: next }, () => open(deployment, tenant)))));
  }
  return opened;
}

async function open(deployment: Deployment, tenant: Tenant): Promise<Stream> {
  const headers = { authorization: `Bearer ${tenant.api.credential}` };
  const stream: Stream = {
    request: http.get(`${deployment.url}/v1/events/stream?type=space.updated`, { headers, agent: false }),
    arrivals: new Map(),
  };
  await new Promise<void>((resolve, reject) => {
    stream.request.once('error', reject);
    stream.request.once('response', (response) => {
      if (response.statusCode !== 200) reject(new Error(`a stream was answered ${response.statusCode}`));
      response.setEncoding('utf8').on('data', (text: string) => {
        const now = performance.now();
        for (const [, name = ''] of text.matchAll(/"name":"(event \d+)"/g)) stream.arrivals.set(name, now);
      });
      response.once('data', () => resolve());
      response.on('error', () => undefined);
    });
  });
  stream.request.on('error', () => undefined);
  return stream;
}

/** Changes a space again and again. Returns how long each change took to each stream, in milliseconds, in order. */
async function makeEvents(tenant: Tenant, streams: Stream[]): Promise<number[]> {
  const began = new Map<string, number>();
  for (let n = 0; n < events; n++) {
    const name = `event ${n}`;
    began.set(name, performance.now());
    await tenant.api.call('PATCH', `/v1/spaces/${tenant.spaceIds[0]}`, { name });
    await delay(50);
  }
  for (let waited = 0; waited < 100 && !streams.every(({ arrivals }) => arrivals.size === events); waited++) {
    await delay(100);
  }
  const missing = streams.reduce((sum, { arrivals }) => sum + events - arrivals.size, 0);
  if (missing > 0) throw new Error(`${missing} events did not come`);
  return streams
    .flatMap(({ arrivals }) => [...arrivals].map(([name, arrived]) => arrived - (began.get(name) ?? Number.NaN)))
    .toSorted((a, b) => a - b);
}

function at(sorted: number[], share: number): number {
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}

function residentBytes(deployment: Deployment): number {
  const status = readFileSync(`/proc/${deployment.service.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1024;
}
