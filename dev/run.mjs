#!/usr/bin/env node
/**
 * Makes ready what a fresh clone lacks, then runs a script on the project's own Node:
 *
 *   node dev/run.mjs [--unbuilt] <script> [arguments]      node dev/run.mjs --build
 *
 * Plain JavaScript, and nothing but Node's own modules: it runs before anything is installed, on the machine's Node.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { portRefusal, readPorts } from './ports.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const at = (...parts) => path.join(root, ...parts);
// Git-ignored, and not in node_modules: `npm ci` deletes that, the lock that is held meanwhile included.
const cache = at('.cache');
const GENERATED = at('src', 'database', 'generated');

/** An error whose message is all the user needs: no stack. */
class Told extends Error {}

// ---- what is made, from what, and how -------------------------------------------------------------------------------

const installed = {
  label: 'Installing the dependencies (a minute or two)',
  isDone: () => existsSync(at('package-lock.json')) && lockfileIsInstalled(),
  make: () => installDependencies(),
  remedy: 'Check that npm is there and its registry can be reached, then run the same command again.',
};

const generated = {
  label: 'Generating the database client',
  needs: () => existsSync(at('prisma', 'schema.prisma')),
  stamp: () => hash(['prisma/schema.prisma', 'prisma.config.ts', 'node_modules/prisma/package.json']),
  outputs: [path.join(GENERATED, 'client.ts')],
  make: () =>
    step([projectNode(), at('node_modules/prisma/build/index.js'), 'generate'], {
      // Generating needs no engine, but Prisma fetches one all the same unless it is shown something executable.
      PRISMA_SCHEMA_ENGINE_BINARY: process.env.PRISMA_SCHEMA_ENGINE_BINARY ?? process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    }),
  remedy: 'Mend prisma/schema.prisma as told above.',
};

const wireTypes = {
  label: 'Generating the types of the IVS models',
  needs: () => existsSync(at('emulator/scripts/generate-types.ts')),
  stamp: () => hash(['emulator/models', 'emulator/scripts']),
  outputs: ['realtime', 'chat'].map((folder) => at('emulator/src', folder, 'types.ts')),
  make: () => step([projectNode(), at('emulator/scripts/generate-types.ts')]),
  remedy: 'Mend emulator/scripts/types-of-model.ts as told above.',
};

const service = tsc('the service', 'src', 'tsconfig.build.json', 'dist', 'main.js');
const emulator = tsc('the emulator', 'emulator/src', 'emulator/tsconfig.build.json', 'emulator/dist', 'bin.js');

function tsc(what, sources, config, out, entry) {
  return {
    label: `Building ${what}`,
    needs: () => existsSync(at(config)) && existsSync(at(sources, entry.replace('.js', '.ts'))),
    stamp: () => hash([sources, config, 'tsconfig.json', 'node_modules/typescript/package.json']),
    outputs: [at(out, entry)],
    async make() {
      // Beside the old build, then in its place: a copy that runs from it is not left without its files meanwhile.
      const fresh = `${out}.new`;
      rmSync(at(fresh), { recursive: true, force: true });
      const args = [at('node_modules/typescript/bin/tsc'), '-p', config, '--outDir', fresh];
      try {
        await step([projectNode(), ...args]);
        rmSync(at(out), { recursive: true, force: true });
        renameSync(at(fresh), at(out));
      } finally {
        rmSync(at(fresh), { recursive: true, force: true });
      }
    },
    remedy: `Mend the types in ${sources}/ as told above.`,
  };
}

// ---- is it there already? -------------------------------------------------------------------------------------------

/** Compares the lockfile with the one npm keeps of what it has installed; optional packages may be missing. */
function lockfileIsInstalled() {
  const there = readJson(at('node_modules/.package-lock.json'))?.packages;
  if (!there) return false;
  const wanted = readJson(at('package-lock.json'))?.packages ?? {};
  return Object.entries(wanted).every(([name, entry]) => {
    if (!name.startsWith('node_modules/')) return true;
    const found = there[name];
    return found ? found.version === entry.version : Boolean(entry.optional);
  });
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Of the contents, not of the times: a checkout or a copy changes those. */
function hash(inputs) {
  const digest = createHash('sha256');
  const add = (name) => {
    const found = statSync(at(name), { throwIfNoEntry: false });
    if (!found) return;
    if (!found.isDirectory()) digest.update(`${name}\0${found.size}\0`).update(readFileSync(at(name)));
    else for (const child of readdirSync(at(name)).sort()) if (!child.endsWith('.test.ts')) add(`${name}/${child}`);
  };
  for (const input of inputs) add(input);
  return digest.digest('hex');
}

const stampFile = (task) => path.join(cache, `${task.label.replaceAll(/\W+/g, '-').toLowerCase()}.stamp`);

function isDone(task) {
  if (task.needs && !task.needs()) return true;
  if (task.isDone) return task.isDone();
  if (!task.outputs.every((file) => existsSync(file)) || !existsSync(stampFile(task))) return false;
  return readFileSync(stampFile(task), 'utf8') === task.stamp();
}

// ---- making it ------------------------------------------------------------------------------------------------------

/** Makes what is not there yet, one process at a time; two tasks given as an array are made side by side. */
async function prepare(plan, script) {
  const tasks = plan.flat();
  if (tasks.every((task) => isDone(task))) return;
  if (script === 'dev/start.ts') await refuseTakenPorts();
  const release = await lock();
  try {
    for (const group of plan) {
      // All of them to their end, also if one fails: none may go on without the lock.
      const ends = await Promise.allSettled([group].flat().map((task) => makeIfMissing(task)));
      const failure = ends.find(({ status }) => status === 'rejected');
      if (failure) throw failure.reason;
    }
  } finally {
    release();
  }
}

/** `npm start` asks again itself: this spares whoever has yet to install everything the wait. */
async function refuseTakenPorts() {
  if (existsSync(at('.env')) && process.loadEnvFile) process.loadEnvFile(at('.env'));
  let refusal;
  try {
    refusal = await portRefusal(readPorts(process.env));
  } catch (error) {
    refusal = error.message;
  }
  if (refusal) throw new Told(refusal);
}

async function makeIfMissing(task) {
  if (isDone(task)) return;
  const stamp = task.stamp?.();
  const finish = progress(task.label);
  try {
    await task.make();
    finish('done');
  } catch (error) {
    finish('failed');
    if (error instanceof Told) throw new Told(`${error.message}\n\n${task.remedy}`);
    throw error;
  }
  if (stamp) writeFileSync(stampFile(task), stamp);
}

/** Runs a command to its end; what it printed is shown only if it fails. */
async function step([command, ...args], env = {}) {
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
  if (code !== 0) throw new Told(`${output.trim()}\n\nThis failed (${signal ?? `exit code ${code}`}): ${line}`);
}

const children = new Set();

/** Waits for a child's end: its exit code and signal. */
async function ended(child) {
  children.add(child);
  try {
    return await new Promise((resolve, reject) =>
      child.once('error', reject).once('close', (code, signal) => resolve([code, signal])),
    );
  } catch (error) {
    throw new Told(`${child.spawnfile} could not be started: ${error.message}`);
  } finally {
    children.delete(child);
  }
}

/** Says what is being done and, while it lasts, for how long already. */
function progress(label) {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  process.stderr.write(`${label} …\n`);
  const timer = setInterval(() => process.stderr.write(`${label} … ${seconds()} s\n`), 10_000);
  return (end) => {
    clearInterval(timer);
    process.stderr.write(`${label}: ${end} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
  };
}

/**
 * Holds a lock file for as long as this process lives and works. Its time is renewed, so that one left behind by a killed
 * process is told from one in use even after its process id was given to something else.
 */
async function lock() {
  mkdirSync(cache, { recursive: true });
  const file = path.join(cache, 'lock');
  for (let said = false; ;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isAbandoned(file)) {
      rmSync(file, { force: true });
      continue;
    }
    if (!said) process.stderr.write('Another command is preparing the project; waiting for it …\n');
    said = true;
    await delay(200);
  }
  const touch = setInterval(() => utimesSync(file, new Date(), new Date()), 2_000);
  touch.unref();
  const release = () => {
    clearInterval(touch);
    rmSync(file, { force: true });
  };
  process.once('exit', release);
  return () => {
    process.removeListener('exit', release);
    release();
  };
}

function isAbandoned(file) {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) return false;
  if (Date.now() - found.mtimeMs > 30_000) return true;
  const pid = Number(readFileSync(file, 'utf8'));
  if (!pid) return false; // being written at this moment
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

// ---- the project's Node ---------------------------------------------------------------------------------------------

const bundled = at('node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');

/** As the user's own npm and Node do it: the project's Node lies in the folder that `npm ci` deletes first. */
async function installDependencies() {
  if (lstatSync(at('node_modules'), { throwIfNoEntry: false })?.isSymbolicLink())
    throw new Told(
      'node_modules is a link, and npm ci would empty the folder it leads to, which may be in use elsewhere.',
    );
  const args = ['ci', '--loglevel=error', '--include=dev', '--include=optional'];
  const { npm_execpath: cli, npm_node_execpath: node, PATH = '' } = process.env;
  if (cli?.endsWith('.js') && node && !node.startsWith(root) && existsSync(node))
    return await step([node, cli, ...args]);
  const elsewhere = PATH.split(path.delimiter).filter((folder) => !folder.startsWith(root));
  await step([process.platform === 'win32' ? 'npm.cmd' : 'npm', ...args], { PATH: elsewhere.join(path.delimiter) });
}

function projectNode() {
  if (existsSync(bundled) && spawnSync(bundled, ['--version'], { stdio: 'ignore' }).status === 0) return bundled;
  if (isNewEnough()) return process.execPath;
  throw new Told(tooOld());
}

function isNewEnough() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 19);
}

function tooOld() {
  return `Stagedoor needs Node 22.19 or newer here, and this is ${process.versions.node} (${process.execPath}). Remedy: install Node 24 and run the same command again.`;
}

/** Whether the lockfile brings a Node for this platform (package.json, optionalDependencies). */
function bringsNode() {
  const optional = readJson(at('package.json'))?.optionalDependencies ?? {};
  return `node-${process.platform}-${process.arch}` in optional;
}

// ---- running the script ---------------------------------------------------------------------------------------------

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

async function main([first, ...rest]) {
  if (!first) throw new Told('Which script? node dev/run.mjs [--unbuilt] <script> [arguments]');
  if (!isNewEnough() && !bringsNode()) throw new Told(tooOld());
  await prepare([installed, [generated, wireTypes], ...(first === '--unbuilt' ? [] : [[service, emulator]])], first);
  if (first === '--build') return 0;
  return await (first === '--unbuilt' ? run(rest[0], rest.slice(1)) : run(first, rest));
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
    if (!isRunning) process.exit(130); // the script, once it runs, decides itself how to end
  });
}

// npm passes signals on, but not its own sudden death. (Its scripts say `exec`, so that npm is the parent, and no shell
// that would die of a signal without passing it on; for Windows, which has no such command, there is exec.cmd.)
if (process.env.npm_lifecycle_event) {
  const { ppid } = process;
  setInterval(() => process.ppid !== ppid && process.emit('SIGTERM', 'SIGTERM'), 500).unref();
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Told)) throw error;
  process.stderr.write(`\n${error.message}\n`);
  process.exitCode = 1;
}
