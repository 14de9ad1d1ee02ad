/** `npm start`: the time until it is ready, and its memory at rest. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { freePort } from '../../dev/postgres.ts';
import { descendants, memoryMb } from '../support/processes.ts';
import { heading, line, note } from '../support/report.ts';
import { root } from '../support/deployment.ts';

export async function startup(): Promise<void> {
  heading('npm start');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-bench-start-'));
  const env = {
    ...process.env,
    DATA_DIR: path.join(folder, 'data'),
    PORT: String(await freePort()),
    IVS_EMULATOR_PORT: String(await freePort()),
  };
  try {
    for (const which of ['first start, dependencies and builds being there', 'second start']) {
      const started = await start(env);
      line(`${which}: ready after`, `${(started.readyMs / 1_000).toFixed(1)} s`);
      if (which === 'second start') await printMemory(started.child);
      await stop(started.child);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function start(env: NodeJS.ProcessEnv): Promise<{ child: ChildProcess; readyMs: number }> {
  const since = performance.now();
  const args = [path.join(root, 'dev/run.mjs'), 'dev/start.ts'];
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const readyMs = await new Promise<number>((resolve, reject) => {
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.includes('is ready after')) resolve(performance.now() - since);
      });
    child.once('close', () => reject(new Error(`npm start ended:\n${said}`)));
  });
  return { child, readyMs };
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGINT');
  await ended;
}

async function printMemory(child: ChildProcess): Promise<void> {
  await delay(10_000);
  const programs = { service: 'dist/main.js', emulator: 'emulator/dist/bin.js', Postgres: 'bin/postgres' };
  for (const pid of descendants(child.pid ?? 0)) {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    const name = Object.entries(programs).find(([, part]) => command.includes(part))?.[0];
    // The main process of Postgres is counted together with its children.
    const isPart = name === 'Postgres' && !command.includes(' -D ');
    const memory = name && !isPart ? memoryMb(pid, name === 'Postgres') : undefined;
    if (memory)
      line(
        `memory at rest, ${name}`,
        `${memory.proportional.toFixed(0)} MB`,
        `resident ${memory.resident.toFixed(0)} MB`,
      );
  }
  note('Memory is the proportional set size: what processes share is counted once.');
}
