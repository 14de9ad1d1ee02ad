/**
 * A process that cleans up after the process that started it, its owner.
 *
 * A signal handler of the owner cannot do this, because SIGKILL runs no handler. The pipe from the owner closes however the
 * owner ends. This process then stops what the owner started, removes its folders and ends. Each line of the pipe is an
 * order in JSON: see clean-up.ts.
 */
import { readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

import type { Order } from './clean-up.ts';

const watched = new Map<number, { signal: NodeJS.Signals; graceMs: number }>();
const folders = new Set<string>();

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  try {
    // A container without an init process keeps processes that have ended, as zombies. A zombie does not run.
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

async function stop(pid: number, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  send(pid, signal);
  for (let waited = 0; waited < graceMs && isRunning(pid); waited += 20) await delay(20);
  if (isRunning(pid)) send(pid, 'SIGKILL');
}

function obey(order: Order): void {
  if (order.do === 'watch') watched.set(order.pid, { signal: order.signal, graceMs: order.graceMs });
  else if (order.do === 'forget') watched.delete(order.pid);
  else if (order.do === 'remove') folders.add(order.folder);
  else folders.delete(order.folder);
}

async function clearUp(): Promise<void> {
  // The last one is stopped first: the service ends before its database.
  for (const [pid, { signal, graceMs }] of [...watched].reverse()) await stop(pid, signal, graceMs);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}

// Only the end of the pipe counts. Ctrl-C reaches every process of the terminal's group, this one too.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => obey(JSON.parse(line) as Order));
lines.on('close', () => void clearUp());
