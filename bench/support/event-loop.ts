import type { Stand } from './stand.ts';

/** How long the event loop of the service was late since the last look, in milliseconds; the look resets it. */
export async function eventLoopLag(stand: Stand): Promise<{ p99: number; max: number }> {
  const text = await (await fetch(`${stand.url}/metrics`)).text();
  const read = (name: string) =>
    Number(new RegExp(`^nodejs_eventloop_lag_${name}_seconds (\\S+)`, 'm').exec(text)?.[1] ?? NaN) * 1_000;
  // Node measures between ticks of a timer of 10 ms.
  return { p99: Math.max(0, read('p99') - 10), max: Math.max(0, read('max') - 10) };
}
