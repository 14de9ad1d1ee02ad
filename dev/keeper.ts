/**
 * A process of its own that outlives the one which started it just long enough to clear up after it.
 *
 * Signal handlers cannot do this job: a process killed with SIGKILL runs none, and jest's own die with it. The pipe to
 * this process closes however its owner ends; then what the owner had started is stopped and its folders are removed.
 * The orders are JSON, one a line: see keep.ts.
 */
import { readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

import type { Order } from './keep.ts';

const watched = new Map<number, { signal: NodeJS.Signals; graceMs: number }>();
const folders = new Set<string>();

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  try {
    // In a container without an init process nobody reaps the dead: a zombie is not running.
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself in the meantime.
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
  // Last started, first stopped: the service before the database it is talking to.
  for (const [pid, { signal, graceMs }] of [...watched].reverse()) await stop(pid, signal, graceMs);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}

// Only the pipe's end decides: a Ctrl-C reaches everything in the terminal's group, this process included.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => obey(JSON.parse(line) as Order));
lines.on('close', () => void clearUp());
