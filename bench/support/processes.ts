/** The Node programs that a measurement starts, and what they cost. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface Program {
  pid: number;
  stop(): Promise<void>;
}

/** Starts a Node program. It ends with this process at the latest. */
export function startProgram(args: string[], env: NodeJS.ProcessEnv, logFile: string): Program {
  const log = createWriteStream(logFile, { flags: 'a' });
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  void ended.then(() => log.end());
  return {
    pid: child.pid ?? 0,
    async stop() {
      process.removeListener('exit', kill);
      await stop(child, ended);
    },
  };
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(kill);
}

/** Waits until a server answers with a success at `url`. */
export async function untilOk(url: string, logFile: string): Promise<void> {
  for (const since = performance.now(); performance.now() - since < 180_000; await delay(20)) {
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
  }
  throw new Error(`nothing answers at ${url}:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`);
}

/** Milliseconds of the clock that all processes of a machine share. It never goes back. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Processor time of a process, and of its children if asked, in milliseconds. Undefined where there is no /proc. */
export function processorMs(pid: number, withChildren = false): number | undefined {
  if (!existsSync('/proc/self/stat')) return undefined;
  const pids = withChildren ? [pid, ...childrenOf(pid)] : [pid];
  // The fields utime and stime count ticks of 10 ms. So do cutime and cstime, for children that have ended.
  const ticks = (one: number, ...fields: number[]) => fields.reduce((sum, at) => sum + Number(statOf(one)[at]), 0);
  const ended = withChildren ? ticks(pid, 13, 14) : 0;
  return 10 * pids.reduce((sum, one) => sum + ticks(one, 11, 12), ended);
}

/**
 * Memory of a process in MB: resident, and proportional (PSS). The processes of Postgres share their buffers: the resident
 * size counts them in each process, the proportional size counts them once.
 */
export function memoryMb(pid: number, withChildren = false): { resident: number; proportional: number } | undefined {
  if (!existsSync('/proc/self/smaps_rollup')) return undefined;
  const pids = withChildren ? [pid, ...childrenOf(pid)] : [pid];
  const total = { resident: 0, proportional: 0 };
  for (const one of pids) {
    const text = readFileSync(`/proc/${one}/smaps_rollup`, 'utf8');
    total.resident += Number(/^Rss:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1024;
    total.proportional += Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1024;
  }
  return total;
}

/** Ids of all descendants of a process. */
export function descendants(pid: number): number[] {
  if (!existsSync('/proc/self/stat')) return [];
  const children = childrenOf(pid);
  return children.concat(children.flatMap(descendants));
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(statOf(Number(name))[1]) === pid)
    .map(Number);
}

/** The fields of /proc/<pid>/stat that follow the name. The first is the state. */
function statOf(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return Array.from({ length: 15 }, () => '0'); // it has just ended
  }
}
