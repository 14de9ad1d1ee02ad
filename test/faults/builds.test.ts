/** Two builds with different SQL functions on one database, as real processes, in both orders of an upgrade. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Emulator } from '../../emulator/src/index.ts';
import { functionSet } from '../../src/database/function-set.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { freePort, ServiceProcess } from '../support/service-process.ts';
import { build } from '../support/shared.ts';
import { Stagedoor } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

const root = path.resolve(import.meta.dirname, '../..');
const running: ServiceProcess[] = [];
let folder: string;
let database: TestDatabase;
let ivs: Emulator;

/** The build of the sources, and another one, in which a function differs. */
let mine: string;
let other: string;

beforeAll(build, 300_000);
beforeAll(async () => {
  [database, ivs] = await Promise.all([createDatabase(), Emulator.start({ port: 0, quotas: 'off' })]);
  mine = path.join(root, 'dist');
  folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-build-'));
  other = path.join(folder, 'dist');
  cpSync(mine, other, { recursive: true });
  cpSync(path.join(root, 'prisma'), path.join(folder, 'prisma'), { recursive: true });
  cpSync(path.join(root, 'package.json'), path.join(folder, 'package.json'));
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  const changed = path.join(other, 'joins/sql/refusal.sql');
  writeFileSync(changed, readFileSync(changed, 'utf8').replace('\n--', '\n-- Another build.\n--'));
});

afterAll(async () => {
  for (const service of running) service.kill();
  await Promise.all(running.map(({ ended }) => ended));
  await ivs.stop();
  await database.drop();
  rmSync(folder, { recursive: true });
});

/** Starts a process of a build. */
async function start(dist: string, args: string[] = []): Promise<{ process: ServiceProcess; ready: string }> {
  const port = await freePort();
  const env = Stagedoor.environment(ivs, database, {
    PORT: String(port),
    HOST: '127.0.0.1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    ...(args.includes('--migrate') && { DATABASE_OWNER_URL: database.ownerUrl }),
  });
  const process = ServiceProcess.start(path.join(dist, 'main.js'), env, args);
  running.push(process);
  return { process, ready: `http://127.0.0.1:${port}/health/ready` };
}

const isReady = async (url: string) => (await fetch(url)).status === 200;

it('a build is ready only on a database with its functions, whichever of two builds migrates first', async () => {
  // The database has the functions of `mine`. The other build is started too early.
  const old = await start(mine);
  await old.process.answers(old.ready);
  const tooEarly = await start(other);
  expect(await tooEarly.process.ended).toBe(1);
  expect(tooEarly.process.output).toMatch(/does not have the functions of this build .*dist\/database\/migrate\.js/);

  // It migrates, and both serve side by side.
  const fresh = await start(other, ['--migrate']);
  await fresh.process.answers(fresh.ready);
  expect(await isReady(old.ready)).toBe(true);

  // A build serves the document that lies beside it. The other build has none there, and makes it of its code.
  const document = JSON.parse(readFileSync(path.join(root, 'openapi.json'), 'utf8')) as unknown;
  for (const { ready } of [old, fresh]) {
    expect(await (await fetch(new URL('/openapi.json', ready))).json()).toEqual(document);
  }

  // The other way round: only the other build has migrated.
  await database.query(`drop schema ${functionSet.schema} cascade`);
  await until(async () => !(await isReady(old.ready)), 'the build without functions says so');
  expect(await isReady(fresh.ready)).toBe(true);
  const again = await start(mine);
  expect(await again.process.ended).toBe(1);
  const migrated = await start(mine, ['--migrate']);
  await migrated.process.answers(migrated.ready);
  await until(() => isReady(old.ready), 'the build has its functions again');
  expect(await isReady(fresh.ready)).toBe(true);
});

test('a build is not ready, and does not start, on a database that was restored without privileges and migrated', async () => {
  const service = await start(mine);
  await service.process.answers(service.ready);
  await database.query(
    'create table of_somebody_else (tenant_id text); revoke insert on bans, grants from stagedoor_app',
  );
  await until(async () => !(await isReady(service.ready)), 'it says that it is not ready');
  expect(await (await fetch(service.ready)).text()).toContain('lacks rights on its tables');
  const next = await start(mine, ['--migrate']);
  expect(await next.process.ended).toBe(1);
  expect(next.process.output).toContain('lacks the right of insert on the table bans and 1 more');
  await database.query('grant insert on bans, grants to stagedoor_app');
  await until(() => isReady(service.ready), 'it is ready again');
  service.process.kill();
});

it.each<[string, string, string]>([
  ['lacks a function', `drop function ${functionSet.schema}.rank_of_roles`, 'lacks functions of this build (1 of'],
  [
    'was restored without its privileges',
    `revoke usage on schema ${functionSet.schema} from stagedoor_app`,
    'may not use the schema',
  ],
  [
    'refuses a function to the serving role',
    `revoke execute on function ${functionSet.schema}.admit from stagedoor_app`,
    'may not use the function admit',
  ],
])('a build is not ready, and does not start, on a database that %s', async (_what, damage, message) => {
  const service = await start(mine);
  await service.process.answers(service.ready);
  await database.query(damage);
  await until(async () => !(await isReady(service.ready)), 'it says that it is not ready');
  expect(await (await fetch(service.ready)).text()).toContain('does not have the functions of this build');
  const next = await start(mine);
  expect(await next.process.ended).toBe(1);
  expect(next.process.output).toContain(message);

  // What the message says to do helps.
  await database.query(`drop schema ${functionSet.schema} cascade`);
  const migrated = await start(mine, ['--migrate']);
  await migrated.process.answers(migrated.ready);
  await until(() => isReady(service.ready), 'it is ready again');
  for (const { process } of [service, migrated]) process.kill();
});
