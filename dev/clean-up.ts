/** Registers processes and folders with the cleaner (cleaner.ts). It ends and removes them if this process dies first. */
import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** What the cleaner is told: one JSON object a line. */
export type Order =
  | { do: 'watch'; pid: number; signal: NodeJS.Signals; graceMs: number }
  | { do: 'forget'; pid: number }
  | { do: 'remove'; folder: string }
  | { do: 'leave'; folder: string };

let pipe: Writable | undefined;

/** Sends an order to the cleaner, which is started with the first one. */
export function cleanUpLater(order: Order): void {
  pipe ??= startCleaner();
  pipe.write(`${JSON.stringify(order)}\n`);
}

function startCleaner(): Writable {
  // Detached: the terminal's Ctrl-C does not reach it. Unreferenced: this process may end while the cleaner waits.
  const child = spawn(process.execPath, [fileURLToPath(new URL('cleaner.ts', import.meta.url))], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    windowsHide: true,
  });
  child.unref();
  const { stdin } = child;
  (stdin as unknown as { unref(): void }).unref();
  stdin.on('error', () => {}); // The cleaner was killed. This process still cleans up when it ends in order.
  return stdin;
}
