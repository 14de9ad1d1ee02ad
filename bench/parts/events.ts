/**
 * Streams of events: the time from the request that makes an event happen until a stream has it, and what 5,000 streams cost one
 * replica in memory and processor time. The readers are a process of their own.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { type Deployment, makeTenant, type Tenant, startDeployment } from '../support/deployment.ts';
import { actMany, actOneByOne, delaysOf, fileLimit, Observer, p50AndP99, warmUpActs } from '../support/events.ts';
import { memoryMb, processorMs } from '../support/processes.ts';
import { heading, line, ms, note, percentile, perSecond } from '../support/report.ts';
import { seconds, streams as asked } from '../support/settings.ts';

/** Events that every one of the many streams gets. */
const eventsForAll = 20;
/** Acts that one stream sees one by one. */
const actsAlone = 100;
const actsASecond = 100;
/** Files that a process needs beside the connections of streams. */
const otherFiles = 500;

export async function eventStreams(): Promise<void> {
  heading('Events at streams');
  const deployment = await startDeployment({
    EVENT_STREAMS_PER_TENANT: '10000',
    EVENT_STREAMS_PER_REPLICA: '10000',
    ACTS_PER_API_KEY_PER_MINUTE: '1000000',
  });
  const observer = await Observer.start();
  try {
    const tenant = await makeTenant(deployment, 'streams', { spaces: 20 });
    await warmUpActs(deployment, tenant);
    await oneStream(deployment, observer, tenant);
    await manyStreams(deployment, observer, tenant);
  } finally {
    await observer.program.stop();
    await deployment.stop();
  }
}

async function oneStream(deployment: Deployment, observer: Observer, tenant: Tenant): Promise<void> {
  await observer.openStreams(deployment, tenant, 1);
  const alone = await actOneByOne(tenant, actsAlone, 40);
  await observer.untilCame('stream', alone.size);
  const came = (await observer.take())['stream'];
  const delays = delaysOf(alone, came);
  const behind = delaysOf(alone, came, 'answered');
  line(
    'request → event at one stream, nothing else asked',
    p50AndP99(delays),
    `after the answer: ${p50AndP99(behind)}; ${delays.length} events`,
  );
  const { acts, result } = await actMany(deployment, tenant, { seconds, rate: actsASecond });
  await observer.untilCame('stream', result.answers);
  const busy = delaysOf(acts, (await observer.take())['stream']);
  line(
    `  at ${actsASecond} acts a second`,
    p50AndP99(busy),
    `until the answer: p50 ${ms(result.p50)} · p99 ${ms(result.p99)}; ${perSecond(result.perSecond)} came about`,
  );
  await observer.closeStreams();
}

async function manyStreams(deployment: Deployment, observer: Observer, tenant: Tenant): Promise<void> {
  const { pid } = deployment.service;
  const used = () => processorMs(pid) ?? Number.NaN;
  const resident = () => memoryMb(pid)?.resident ?? Number.NaN;
  const most = Math.min(fileLimit(pid), fileLimit(observer.program.pid)) - otherFiles;
  const count = Math.min(asked, most);
  if (count < asked)
    note(`The machine lets a process open ${most + otherFiles} files: ${count} streams, not ${asked}.`);
  await observer.openStreams(deployment, tenant, 200); // so that what the first ones need is not counted
  await observer.closeStreams();
  await delay(2_000);

  const before = { mb: resident(), ms: used(), at: performance.now() };
  await observer.openStreams(deployment, tenant, count);
  const opened = { ms: used(), at: performance.now() };
  await delay(2_000);
  const many = count.toLocaleString('en');
  line(
    `memory of one of ${many} open streams`,
    `${(((resident() - before.mb) / count) * 1024).toFixed(1)} KB`,
    `resident: ${before.mb.toFixed(0)} MB before, ${resident().toFixed(0)} MB after`,
  );
  line(
    '  processor time to open one',
    ms((opened.ms - before.ms) / count),
    `50 at a time, all within ${((opened.at - before.at) / 1_000).toFixed(1)} s`,
  );
  // Each stream gets a comment within this time.
  const [idleFrom, idleAt] = [used(), performance.now()];
  await delay(15_000);
  const share = (used() - idleFrom) / (performance.now() - idleAt);
  line(
    '  processor time of all while nothing happens',
    `${(share * 100).toFixed(1)} %`,
    'of one core, heartbeats included',
  );

  const busyFrom = used();
  const acts = await actOneByOne(tenant, eventsForAll, 500);
  await observer.untilCame('stream', eventsForAll * count);
  const worked = used() - busyFrom - share * 500 * eventsForAll;
  const came = (await observer.take())['stream'] ?? {};
  const last = Object.entries(came).map(([name, times]) => Math.max(...times) - (acts.get(name)?.sent ?? Number.NaN));
  const delays = delaysOf(acts, came);
  line(
    `request → event at each of ${many} streams`,
    p50AndP99(delays),
    `after the answer: ${p50AndP99(delaysOf(acts, came, 'answered'))}; ${delays.length.toLocaleString('en')} arrivals`,
  );
  const sorted = last.toSorted((a, b) => a - b);
  line(
    '  until the last of them has it',
    `p50 ${ms(percentile(sorted, 0.5))} · max ${ms(percentile(sorted, 1))}`,
    `${eventsForAll} events`,
  );
  line(
    '  processor time of an event',
    ms(worked / eventsForAll),
    `of the service, the request included: ${((worked * 1_000) / eventsForAll / count).toFixed(0)} µs a stream`,
  );
}
