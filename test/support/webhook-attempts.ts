/**
 * A process of its own that posts webhooks to receivers again and again, and says how much memory it holds. Its arguments: the
 * number of calls, and the URLs of the receivers with a weight each, such as `5*http://127.0.0.1:4700/`.
 * It prints { "before", "after", "faults" }: bytes after a collection of garbage, and the number of calls by fault.
 */
import { inParallel } from './full-size.ts';
import { WebhookCalls } from '../../src/webhooks/webhook-call.ts';

/** Calls at the same time, as a replica makes them. */
const atOnce = 200;

const [count = '', ...weighted] = process.argv.slice(2);
const urls = weighted.flatMap((one) => {
  const [weight = '', url = ''] = one.split('*');
  return Array<string>(Number(weight)).fill(url);
});
const calls = new WebhookCalls({ allowPrivateAddresses: true });
const body = JSON.stringify({ data: 'x'.repeat(2_000) });
const faults: Record<string, number> = {};

async function attempt(n: number): Promise<void> {
  const nth = n % urls.length;
  // Several endpoints have the same receiver.
  const { fault } = await calls.post(`whk_${nth}`, urls[nth] ?? '', { 'webhook-id': `evt_${n}` }, body);
  faults[fault ?? 'delivered'] = (faults[fault ?? 'delivered'] ?? 0) + 1;
}

/** Bytes that the process holds for JavaScript, and in buffers. */
function heldBytes(): number {
  for (let times = 0; times < 3; times++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

await inParallel(3 * urls.length, atOnce, attempt);
const before = heldBytes();
await inParallel(Number(count), atOnce, attempt);
const after = heldBytes();
calls.close();
process.stdout.write(JSON.stringify({ before, after, faults }));
