import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { freePort } from '../../dev/ports.mjs';

const root = path.resolve(import.meta.dirname, '../..');

interface Start {
  process: ChildProcess;
  /** What it printed so far. */
  output(): string;
  ended: Promise<number | null>;
}

const starts: Start[] = [];

/** As `npm start` does it, in an environment that has no settings but these. */
function npmStart(settings: Record<string, string>): Start {
  const { PATH, HOME, TMPDIR } = process.env;
  const child = spawn(process.execPath, ['dev/run.mjs', 'dev/start.ts'], {
    cwd: root,
    env: { PATH, HOME, ...(TMPDIR ? { TMPDIR } : {}), ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const start = { process: child, output: () => output, ended };
  starts.push(start);
  return start;
}

async function ready(start: Start): Promise<string> {
  while (!start.output().includes('Ctrl-C stops everything')) {
    if (start.process.exitCode !== null) throw new Error(`npm start ended:\n${start.output()}`);
    await delay(20);
  }
  return start.output();
}

interface Process {
  pid: number;
  parent: number;
  command: string;
}

/** All processes but the dead ones that nobody has reaped yet. */
function processes(): Process[] {
  if (process.platform !== 'linux') return processesByPs();
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const [, state, parent] = /\) (\w) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))!;
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return state === 'Z' ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
    } catch {
      return []; // it ended while we looked
    }
  });
}

function processesByPs(): Process[] {
  const { stdout } = spawnSync('ps', ['-e', '-ww', '-o', 'pid=,ppid=,stat=,command='], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, stat, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return command === undefined || stat!.startsWith('Z')
      ? []
      : [{ pid: Number(pid), parent: Number(parent), command }];
  });
}

/** A process and all that descend from it. */
function family(pid: number): Process[] {
  const all = processes();
  const found = all.filter((one) => one.pid === pid);
  for (const member of found) found.push(...all.filter((one) => one.parent === member.pid));
  return found;
}

function alive(pids: Process[]): string[] {
  const wanted = new Set(pids.map(({ pid }) => pid));
  return processes()
    .filter(({ pid }) => wanted.has(pid))
    .map(({ command }) => command);
}

async function eventually(condition: () => boolean): Promise<void> {
  for (const since = Date.now(); !condition() && Date.now() - since < 60_000;) await delay(20);
}

function pasteable(output: string): string[] {
  return output.split('\n').filter((line) => line.startsWith('curl '));
}

/** Runs the line in a shell, as pasting does; a machine without curl gets one that does what these lines need. */
async function paste(line: string): Promise<Record<string, unknown>> {
  const stand = `command -v curl >/dev/null || curl() { '${process.execPath}' '${path.join(import.meta.dirname, 'curl.mjs')}' "$@"; }`;
  const { stdout } = await promisify(execFile)('sh', ['-c', `${stand}\n${line}`]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

let folder: string;
let settings: Record<string, string>;
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-start-'));
  chmodSync(folder, 0o755); // run by root, Postgres is another user, who has to get to its data
  const [port, emulator] = [await freePort(), await freePort()];
  settings = { DATA_DIR: path.join(folder, 'data'), PORT: String(port), IVS_EMULATOR_PORT: String(emulator) };
});

afterAll(async () => {
  for (const { process: child } of starts) child.kill('SIGTERM');
  await Promise.all(starts.map(({ ended }) => ended));
  rmSync(folder, { recursive: true, force: true });
});

describe('npm start', () => {
  let host: Record<string, unknown>;
  /** Ids of the grants of the first start. */
  let firstGrants: string[];

  it('prints three lines that work when pasted: a host joins, a viewer joins, who was given what', async () => {
    const output = await ready(npmStart(settings));
    expect(output).toContain(`http://127.0.0.1:${settings.PORT}`);
    expect(output).toMatch(/THROW-AWAY CREDENTIALS/);
    const lines = pasteable(output);
    expect(lines).toHaveLength(3);

    host = await paste(lines[0]!);
    expect(host).toMatchObject({
      userId: 'alice',
      role: 'host',
      stage: { token: expect.any(String), capabilities: expect.arrayContaining(['PUBLISH', 'SUBSCRIBE']) },
      chat: { token: expect.any(String) },
    });
    const viewer = await paste(lines[1]!);
    expect(viewer).toMatchObject({ userId: 'bob', role: 'viewer', stage: { capabilities: ['SUBSCRIBE'] } });

    const { data } = (await paste(lines[2]!)) as { data: { id: string; userId: string; kind: string }[] };
    firstGrants = data.map(({ id }) => id);
    const given = data.map(({ userId, kind }) => `${userId} ${kind}`).sort();
    expect(given).toEqual(['alice chat', 'alice stage', 'bob chat', 'bob stage']);
    expect(statSync(path.join(settings.DATA_DIR!, 'secrets', 'master-key')).mode & 0o777).toBe(0o600);
  }, 120_000);

  it('runs the walk of the README: a join, a publish, a ban and its silence arrive at the receiver', async () => {
    const walk = readFileSync(path.join(root, 'README.md'), 'utf8').split('\n## A walk\n')[1]!.split('\n## ')[0]!;
    const samples = [...walk.matchAll(/^```sh\n(.*?)^```/gms)].map((match) => match[1]!);
    const last = samples.findIndex((sample) => sample.includes('/v1/bans'));
    expect(last).toBeGreaterThan(4);
    const port = String(await freePort());
    const script = samples
      .slice(0, last + 1)
      .join('\n')
      .replace('. .data/demo.env', `. '${settings.DATA_DIR}/demo.env'`)
      .replace('http://127.0.0.1:4700/', `http://127.0.0.1:${port}/`)
      .replace(
        /^node .*&$/m,
        (line) => `${line}\nwhile ! curl -s http://127.0.0.1:${port}/ >/dev/null 2>&1; do sleep 0.1; done`,
      );
    const curl = `command -v curl >/dev/null || curl() { '${process.execPath}' '${path.join(import.meta.dirname, 'curl.mjs')}' "$@"; }`;
    const walker = spawn('sh', ['-c', `set -eu\n${curl}\n${script}\nwait`], {
      cwd: root,
      env: { PATH: `${path.dirname(process.execPath)}:${process.env['PATH']}`, PORT: port },
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    walker.stdout.setEncoding('utf8').on('data', (part: string) => (printed += part));
    const types = () => [...printed.matchAll(/^  type: '([\w.]+)'/gm)].map((match) => match[1]);
    try {
      await eventually(() => types().includes('action.silenced'));
      // The ban is one of the whole tenant: events of the space do not wait for it.
      await eventually(() => types().length === 4);
      const ofSpace = types().filter((type) => type!.startsWith('participant.'));
      expect(ofSpace).toEqual(['participant.joined', 'participant.published']);
      expect(types().filter((type) => !ofSpace.includes(type))).toEqual(['ban.created', 'action.silenced']);
    } finally {
      process.kill(-walker.pid!, 'SIGKILL');
    }
  }, 120_000);

  it('refuses to start a second time on the same DATA_DIR, and on a port that is taken', async () => {
    const second = npmStart(settings);
    expect(await second.ended).toBe(1);
    expect(second.output().trim()).toBe(
      `Port ${settings.PORT} is taken. Remedy: stop what uses it, or PORT=<another port> npm start`,
    );
    const third = npmStart({
      ...settings,
      PORT: String(await freePort()),
      IVS_EMULATOR_PORT: String(await freePort()),
    });
    expect(await third.ended).toBe(1);
    expect(third.output()).toMatch(/is in use by another npm start \(process \d+\)\. Remedy: stop it, or DATA_DIR=/);
  }, 120_000);

  it('stops everything it started at a Ctrl-C, and nothing else', async () => {
    const [first] = starts;
    const members = family(first!.process.pid!);
    const commands = members.map(({ command }) => command).join('\n');
    for (const one of [
      'dev/run.mjs',
      'dev/start.ts',
      'dev/cleaner.ts',
      'bin/postgres',
      'emulator/dist',
      'dist/main.js',
    ])
      expect(commands).toContain(one);
    first!.process.kill('SIGINT');
    expect(await first!.ended).toBe(0);
    await eventually(() => alive(members).length === 0);
    expect(alive(members)).toEqual([]);
  }, 120_000);

  it('is quicker the second time, and remembers', async () => {
    const output = await ready(npmStart(settings));
    expect(output).not.toMatch(/Installing|Generating|Building/);
    expect(output).toMatch(/ready after [\d.]+ s/);
    const [, demo = ''] = /Demo +(http:\S+\/demo)/.exec(output) ?? [];
    expect(await (await fetch(demo)).text()).toContain('<div id="root">');
    const users = async () => {
      const told = (await (await fetch(`${demo}/demo.json`)).json()) as { users: { userId: string; token: string }[] };
      return told.users;
    };
    const [alice, bob] = await users();
    expect([alice?.userId, bob?.userId]).toEqual(['alice', 'bob']);
    expect((await users())[0]?.token).not.toBe(alice?.token);
    expect((await fetch(`${demo}/..%2f..%2fpackage.json`)).status).toBe(404);
    const [, pages = ''] = /Console +(http:\S+\/console)/.exec(output) ?? [];
    expect(await (await fetch(pages)).text()).toContain('<div id="root">');
    const { apiKey } = (await (await fetch(`${demo}/console.json`)).json()) as { apiKey: string };
    expect(output).toContain(`demo API key     ${apiKey}`);
    const lines = pasteable(output);
    const { data } = (await paste(lines[2]!)) as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).toEqual(expect.arrayContaining(firstGrants));
    expect(await paste(lines[0]!)).toMatchObject({ space: host.space, role: 'host' });
  }, 120_000);

  it('says which process died, stops the rest and fails', async () => {
    const running = starts.at(-1)!;
    const members = family(running.process.pid!);
    process.kill(members.find(({ command }) => command.includes('emulator/dist/bin.js'))!.pid, 'SIGKILL');
    expect(await running.ended).toBe(1);
    expect(running.output()).toMatch(/emulator was ended by SIGKILL; stopping the rest\. Its log: .*emulator\.log/);
    await eventually(() => alive(members).length === 0);
    expect(alive(members)).toEqual([]);
  }, 120_000);

  it('leaves nothing running or half made when a port is taken', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = (server.address() as net.AddressInfo).port;
    const other = path.join(folder, 'other');
    const start = npmStart({ DATA_DIR: other, PORT: String(await freePort()), IVS_EMULATOR_PORT: String(port) });
    expect(await start.ended).toBe(1);
    server.close();
    expect(start.output().trim()).toBe(
      `Port ${port} is taken. Remedy: stop what uses it, or IVS_EMULATOR_PORT=<another port> npm start`,
    );
    expect(existsSync(other)).toBe(false);
  }, 120_000);
});
