/** Makes events happen, and learns from an observer, a process of its own, when they came. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { freePort } from '../../dev/postgres.ts';
import { type Deployment, root, type Tenant } from './deployment.ts';
import type { Arrivals, StreamsToOpen } from './event-observer.ts';
import { load, type LoadResult, request } from './load.ts';
import { machineMs, type Program, startProgram, untilOk } from './processes.ts';
import { ms, percentile } from './report.ts';
import { refuseFailures } from './vending.ts';

/** The type of the events that the acts below make. */
export const typeOfActs = 'space.updated';

/** When the request of an act was sent and answered, in milliseconds of `machineMs()`, by the name that its event has. */
export type Acts = Map<string, { sent: number; answered?: number }>;

/** Reads streams and takes webhooks: see event-observer.ts. */
export class Observer {
  readonly url: string;
  readonly program: Program;

  private constructor(url: string, program: Program) {
    this.url = url;
    this.program = program;
  }

  static async start(): Promise<Observer> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const log = path.join(os.tmpdir(), 'stagedoor-bench-observer.log');
    const program = startProgram(
      [path.join(root, 'bench/support/event-observer.ts')],
      { PATH: process.env['PATH'], PORT: String(port) },
      log,
    );
    await untilOk(`${url}/control/counts`, log);
    return new Observer(url, program);
  }

  /** Opens streams of a tenant, for events of one type. */
  async openStreams(deployment: Deployment, tenant: Tenant, count: number, type: string = typeOfActs): Promise<void> {
    const { url } = deployment;
    const asked = { url, path: `/v1/events/stream?type=${type}`, bearer: tenant.api.credential, count };
    await this.ask('streams', asked satisfies StreamsToOpen);
  }

  async closeStreams(): Promise<void> {
    await this.ask('close');
  }

  /** How many events came since the last `take`, by source. */
  async counts(): Promise<Record<string, number>> {
    return (await this.ask('counts')) as Record<string, number>;
  }

  /** When the events came since the last `take`, by source and name. */
  async take(): Promise<Arrivals> {
    return (await this.ask('take')) as Arrivals;
  }

  /** Waits until that many events came from a source, and no more come: the load may have ended before its last answers. */
  async untilCame(source: string, count: number): Promise<void> {
    let [came, last] = [0, performance.now()];
    for (const since = performance.now(); performance.now() - since < 60_000; await delay(50)) {
      const now = (await this.counts())[source] ?? 0;
      if (now > came) [came, last] = [now, performance.now()];
      if (came >= count && performance.now() - last > 1_000) return;
    }
    throw new Error(`${came} of ${count} events came from ${source} within a minute`);
  }

  private async ask(what: string, body: object = {}): Promise<unknown> {
    const response = await fetch(`${this.url}/control/${what}`, { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(await response.text());
    return await response.json();
  }
}

let named = 0;

/** The name that an act gives to a space of a tenant, and the request of it. */
function actOf(tenant: Tenant): { name: string; request: Buffer } {
  const name = `event ${named++}`;
  const space = tenant.spaceIds[named % tenant.spaceIds.length];
  return { name, request: request('PATCH', `/v1/spaces/${space}`, tenant.api.credential, JSON.stringify({ name })) };
}

/** Acts until the service has compiled its code, however slow the machine is. Refusals do not matter yet. */
export async function warmUpActs(deployment: Deployment, tenant: Tenant): Promise<void> {
  const next = () => actOf(tenant).request;
  for (let acts = 0, round = 0; acts < 500 && round < 10; round++) {
    acts += (await load({ url: deployment.url, connections: 8, next, seconds: 1 })).answers;
  }
}

/** Changes a space again and again, and waits between for longer than an event takes. */
export async function actOneByOne(tenant: Tenant, count: number, pauseMs: number): Promise<Acts> {
  const acts: Acts = new Map();
  for (let n = 0; n < count; n++) {
    const name = `event ${named++}`;
    const sent = machineMs();
    await tenant.api.call('PATCH', `/v1/spaces/${tenant.spaceIds[n % tenant.spaceIds.length]}`, { name });
    acts.set(name, { sent, answered: machineMs() });
    await delay(pauseMs * (0.5 + Math.random()));
  }
  return acts;
}

/** Changes spaces in turn, at a rate or as often as it can. `answers` of the result counts the acts that were not refused. */
export async function actMany(
  deployment: Deployment,
  tenant: Tenant,
  options: { seconds: number; rate?: number },
): Promise<{ acts: Acts; result: LoadResult }> {
  const acts: Acts = new Map();
  const next = () => {
    const act = actOf(tenant);
    acts.set(act.name, { sent: machineMs() });
    return act.request;
  };
  const result = await load({ url: deployment.url, connections: 16, next, ...options });
  refuseFailures(result);
  const failed = Object.values(result.others).reduce((sum, times) => sum + times, 0);
  return { acts, result: { ...result, answers: result.answers - failed } };
}

/** Sorted milliseconds from the request (or the answer) of each act until its event came at a source. */
export function delaysOf(
  acts: Acts,
  came: Record<string, number[]> = {},
  from: 'sent' | 'answered' = 'sent',
): number[] {
  const delays = Object.entries(came).flatMap(([name, times]) => {
    const began = acts.get(name)?.[from];
    return began === undefined ? [] : times.map((time) => time - began);
  });
  return delays.toSorted((a, b) => a - b);
}

export function p50AndP99(sorted: number[]): string {
  return `p50 ${ms(percentile(sorted, 0.5))} · p99 ${ms(percentile(sorted, 0.99))}`;
}

/** How many files a process may have open. */
export function fileLimit(pid: number): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8')) ?? [];
    return Number(soft ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY; // there is no /proc
  }
}
