/** Hands processes and folders to the keeper (keeper.ts), which clears them up if this process ends without doing so. */
import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** What the keeper is told, one JSON object a line. */
export type Order =
  | { do: 'watch'; pid: number; signal: NodeJS.Signals; graceMs: number }
  | { do: 'forget'; pid: number }
  | { do: 'remove'; folder: string }
  | { do: 'leave'; folder: string };

let pipe: Writable | undefined;

/** Gives the keeper an order, starting it if it is not there yet. */
export function keep(order: Order): void {
  pipe ??= startKeeper();
  pipe.write(`${JSON.stringify(order)}\n`);
}

function startKeeper(): Writable {
  // `detached` keeps the terminal's Ctrl-C away from it; unref lets this process end while the keeper waits.
  const child = spawn(process.execPath, [fileURLToPath(new URL('keeper.ts', import.meta.url))], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    windowsHide: true,
  });
  child.unref();
  const { stdin } = child;
  (stdin as unknown as { unref(): void }).unref();
  stdin.on('error', () => {}); // the keeper was killed: nothing is lost but the second line of defence
  return stdin;
}
