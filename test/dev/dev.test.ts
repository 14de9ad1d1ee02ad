import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import pg from 'pg';

import { DataDir } from '../../dev/data-dir.ts';
import { freePort } from '../../dev/ports.mjs';

const project = path.resolve(import.meta.dirname, '../..');
/** A copy of the project: these tests change sources, which other tests read meanwhile. */
let copy: string;
let env: NodeJS.ProcessEnv;
let dev: ChildProcess;
let output = '';
let ended: Promise<number | null>;

const controller = () => path.join(copy, 'src/health/health.controller.ts');
const sqlFunction = () => path.join(copy, 'src/acts/sql/describe_action.sql');

/** Waits until the output since `from` contains a text. */
async function says(text: string, from = 0): Promise<string> {
  while (!output.slice(from).includes(text)) {
    if (dev.exitCode !== null) throw new Error(`npm run dev ended:\n${output}`);
    await delay(20);
  }
  return output.slice(from);
}

/** Makes a change, and returns what npm run dev said until it said `text`. */
async function afterChange(text: string, change: () => void): Promise<string> {
  const from = output.length;
  change();
  return await says(text, from);
}

/** Whether the service runs the source that the first test changes. */
async function servesChange(): Promise<boolean> {
  return (await (await fetch(`http://127.0.0.1:${env['PORT']}/openapi.json`)).text()).includes('"Changed: ');
}

/** The first line is the id of the process. */
function postgresPid(): string | undefined {
  return readFileSync(path.join(env['DATA_DIR']!, 'postgres/postmaster.pid'), 'utf8').split('\n')[0];
}

function npmRun(level: string, script: string): { code: number | null; output: string } {
  const args = ['dev/run.mjs', `--needs=${level}`, script];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: copy, env, encoding: 'utf8' });
  return { code: status, output: stderr + stdout };
}

beforeAll(async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-dev-'));
  chmodSync(folder, 0o755); // Postgres, started by root, runs as another user, who has to reach its data
  copy = path.join(folder, 'copy');
  mkdirSync(path.join(copy, '.cache'), { recursive: true });
  const files = [
    'src',
    'prisma',
    'dev',
    'emulator',
    ...globSync(['*.json', '*.ts', '.npmrc', '.swcrc'], { cwd: project }),
  ];
  for (const file of [...files, ...globSync('.cache/generating-*.stamp', { cwd: project })])
    cpSync(path.join(project, file), path.join(copy, file), { recursive: true });
  symlinkSync(path.join(project, 'node_modules'), path.join(copy, 'node_modules'));
  const { PATH, HOME } = process.env;
  const [port, emulator] = [await freePort(), await freePort()];
  env = { PATH, HOME, DATA_DIR: path.join(folder, 'data'), PORT: String(port), IVS_EMULATOR_PORT: String(emulator) };
  dev = spawn(process.execPath, ['dev/run.mjs', '--needs=generated', 'dev/dev.ts'], { cwd: copy, env });
  for (const stream of [dev.stdout!, dev.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  ended = new Promise((resolve) => dev.once('close', resolve));
  await says('Ctrl-C stops everything');
}, 180_000);

afterAll(async () => {
  dev.kill('SIGTERM');
  await ended;
  rmSync(path.dirname(copy), { recursive: true, force: true });
});

describe('npm run dev', () => {
  it('serves the new code after a change, from the Postgres and the emulator that ran before', async () => {
    const before = postgresPid();
    const said = await afterChange('is ready again after', () =>
      writeFileSync(controller(), readFileSync(controller(), 'utf8').replace("summary: '", "summary: 'Changed: ")),
    );
    expect(said).toContain('src/health/health.controller.ts changed');
    expect(await servesChange()).toBe(true);
    expect(postgresPid()).toBe(before);
    expect(existsSync(path.join(env['DATA_DIR']!, 'logs/emulator.previous.log'))).toBe(false);
  }, 120_000);

  it('deploys a changed SQL function before it restarts the service', async () => {
    const said = await afterChange('is ready again after', () => appendFileSync(sqlFunction(), '-- changed\n'));
    expect(said).toMatch(/Deployed the functions into the schema \w+[^]*is ready again/);
  }, 120_000);

  it('keeps the service as it was while a SQL function cannot be deployed', async () => {
    const right = readFileSync(sqlFunction(), 'utf8');
    const said = await afterChange('runs on as it was', () =>
      writeFileSync(sqlFunction(), right.replace('select', 'selec')),
    );
    expect(said).toMatch(/describe_action\.sql cannot be deployed: syntax error/);
    expect(await servesChange()).toBe(true);
    await afterChange('is ready again after', () => writeFileSync(sqlFunction(), right));
  }, 120_000);

  it('names the error of a source that cannot run, and starts again once it is corrected', async () => {
    const right = readFileSync(controller(), 'utf8');
    const said = await afterChange('did not start', () => writeFileSync(controller(), `${right}\nthis is ( not\n`));
    expect(said).toMatch(/health\.controller\.ts/);
    await afterChange('is ready again after', () => writeFileSync(controller(), right));
    expect(await servesChange()).toBe(true);
  }, 120_000);
});

describe('npm run migrate', () => {
  it('uses the Postgres that npm run dev runs', () => {
    expect(npmRun('generated', 'dev/migrate.ts')).toMatchObject({ code: 0, output: 'The database is up to date.\n' });
  }, 60_000);

  it('says what to do about the database of an older checkout', async () => {
    const owner = new pg.Client({ connectionString: DataDir.runningDatabase(env['DATA_DIR']!) });
    await owner.connect();
    try {
      const { rows } = await owner.query<{ migration_name: string; checksum: string }>(
        `update _prisma_migrations set checksum = 'other' where migration_name like '0001%'
         returning migration_name, (select checksum from _prisma_migrations where migration_name like '0001%')`,
      );
      expect(npmRun('generated', 'dev/migrate.ts')).toMatchObject({
        code: 1,
        output: expect.stringMatching(/before the migrations were frozen[^]*Remedy: `npm run reset`.*DATA_DIR=/),
      });
      const { migration_name: name, checksum } = rows[0]!;
      await owner.query('update _prisma_migrations set checksum = $2 where migration_name = $1', [name, checksum]);
    } finally {
      await owner.end();
    }
  }, 60_000);

  it('starts the Postgres of the data folder otherwise', async () => {
    dev.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(npmRun('generated', 'dev/migrate.ts')).toMatchObject({
      code: 0,
      output: expect.stringMatching(/Starting Postgres[^]*The database is up to date\.\n$/),
    });
  }, 120_000);
});

describe('npm run reset', () => {
  it('deletes nothing while the folder holds what npm start did not put there', () => {
    const mine = path.join(env['DATA_DIR']!, 'mine.txt');
    writeFileSync(mine, 'mine');
    expect(npmRun('installed', 'dev/reset.ts')).toMatchObject({
      code: 1,
      output: expect.stringMatching(/mine\.txt\. Nothing was deleted/),
    });
    expect(existsSync(path.join(env['DATA_DIR']!, 'postgres'))).toBe(true);
    rmSync(mine);
  });

  it('deletes the data folder and says so', () => {
    expect(npmRun('installed', 'dev/reset.ts')).toEqual({ code: 0, output: `Deleted ${env['DATA_DIR']}\n` });
    expect(existsSync(env['DATA_DIR']!)).toBe(false);
    expect(npmRun('installed', 'dev/reset.ts')).toMatchObject({
      code: 0,
      output: expect.stringMatching(/nothing to delete/),
    });
  });
});
