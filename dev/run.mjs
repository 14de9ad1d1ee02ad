#!/usr/bin/env node
/**
 * Prepares the project as far as a script needs it, then runs the script on the project's own Node:
 *
 *   node dev/run.mjs [--needs=installed|generated|built|emulator|client|cli] [script] [arguments]
 *
 * It is plain JavaScript and imports only Node's own modules, because it runs before anything is installed, on whatever
 * Node the machine has.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

import { portRefusal, readPorts } from './ports.mjs';
import { children, ended } from './prepare/commands.mjs';
import { at, root } from './prepare/files.mjs';
import { prepare } from './prepare/prepare.mjs';
import { projectNode, refuseOldNode } from './prepare/project-node.mjs';
import { UserError } from './user-error.mjs';

let isRunning = false;

async function run(script, args) {
  const node = projectNode();
  const bin = [at('node_modules', '.bin'), path.dirname(node)].join(path.delimiter);
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', at(script), ...args], {
    cwd: root,
    env: { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH ?? ''}` },
    // The channel tells the script when this process is gone, even if it was killed outright.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  isRunning = true;
  const [code, signal] = await ended(child);
  if (!signal) return code;
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  return 128;
}

/** Scripts that serve ask the same question themselves. Here it saves a minute of installing before the refusal. */
async function refuseTakenPorts() {
  if (existsSync(at('.env')) && process.loadEnvFile) process.loadEnvFile(at('.env'));
  let refusal;
  try {
    refusal = await portRefusal(readPorts(process.env));
  } catch (error) {
    refusal = error.message;
  }
  if (refusal) throw new UserError(refusal);
}

async function main([first, ...rest]) {
  refuseOldNode();
  const needs = /^--needs=(installed|generated|built|emulator|client|cli)$/.exec(first ?? '')?.[1];
  const [script, ...args] = needs ? rest : [first, ...rest];
  if (!needs && !script) throw new UserError('Usage: node dev/run.mjs [--needs=…] [script] [arguments]');
  const willServe = script === 'dev/start.ts' || script === 'dev/dev.ts';
  await prepare(needs ?? 'built', willServe ? refuseTakenPorts : undefined);
  return script ? await run(script, args) : 0;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
    if (!isRunning) process.exit(130); // a script that runs decides itself how to end
  });
}

// npm passes signals on, but not its own sudden death. Its scripts say `exec`, so that npm is the parent: a shell in
// between would die of a signal without passing it on. Windows has no such command, hence exec.cmd.
if (process.env.npm_lifecycle_event) {
  const { ppid } = process;
  setInterval(() => process.ppid !== ppid && process.emit('SIGTERM', 'SIGTERM'), 500).unref();
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`\n${error.message}\n`);
  process.exitCode = 1;
}
