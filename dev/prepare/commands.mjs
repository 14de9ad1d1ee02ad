/** Commands that the preparation runs, and what it says meanwhile. */
import { spawn } from 'node:child_process';
import path from 'node:path';

import { UserError } from '../user-error.mjs';
import { root } from './files.mjs';

/** The processes that run at this moment. */
export const children = new Set();

/** Runs a command to its end. Its output is shown only if it fails. */
export async function run([command, ...args], env = {}) {
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: command === 'npm.cmd', // Node starts such files only through a shell
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const [code, signal] = await ended(child);
  const line = [command, ...args].map((word) => (word.startsWith(root) ? path.relative(root, word) : word)).join(' ');
  if (code !== 0) throw new UserError(`${output.trim()}\n\nThis failed (${signal ?? `exit code ${code}`}): ${line}`);
}

/** Waits for the end of a child: its exit code and signal. */
export async function ended(child) {
  children.add(child);
  try {
    return await new Promise((resolve, reject) =>
      child.once('error', reject).once('close', (code, signal) => resolve([code, signal])),
    );
  } catch (error) {
    throw new UserError(`${child.spawnfile} could not be started: ${error.message}`);
  } finally {
    children.delete(child);
  }
}

/** Says what is being done, and every ten seconds for how long. The function returned says how it ended. */
export function progress(label) {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  process.stderr.write(`${label} …\n`);
  const timer = setInterval(() => process.stderr.write(`${label} … ${seconds()} s\n`), 10_000);
  return (end) => {
    clearInterval(timer);
    process.stderr.write(`${label}: ${end} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
  };
}
