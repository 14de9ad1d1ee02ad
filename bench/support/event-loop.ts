import type { Deployment } from './deployment.ts';

/** By how many milliseconds the event loop of the service was late. Reading resets the figures. */
export async function eventLoopLag(deployment: Deployment): Promise<{ p99: number; max: number }> {
  const text = await (await fetch(`${deployment.url}/metrics`)).text();
  const read = (name: string) =>
    Number(new RegExp(`^nodejs_eventloop_lag_${name}_seconds (\\S+)`, 'm').exec(text)?.[1] ?? NaN) * 1_000;
  // Node measures the time between ticks of a timer of 10 ms.
  return { p99: Math.max(0, read('p99') - 10), max: Math.max(0, read('max') - 10) };
}
