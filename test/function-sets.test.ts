/** Sets of SQL functions: two builds beside one another on one database, and a build whose set is not there. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { functionSet, type FunctionSet, migrationsFolder, readFunctionSet } from '../src/database/function-set.ts';
import { migrate } from '../src/database/migrate.ts';
import { expectProblem } from './support/problem.ts';
import { createDatabase, type TestDatabase } from './support/database.ts';
import { Stagedoor } from './support/stagedoor.ts';

const source = path.resolve(import.meta.dirname, '../src');
const folders: string[] = [];
const databases: TestDatabase[] = [];

afterAll(async () => {
  for (const folder of folders) rmSync(folder, { recursive: true });
  for (const database of databases) await database.drop();
});

/** The functions of another build: one of them differs. */
function setOfAnotherBuild(change: (sql: string) => string, file = 'joins/sql/refusal.sql'): FunctionSet {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-functions-'));
  folders.push(folder);
  cpSync(source, folder, { recursive: true, filter: (name) => !/\.tsx?$/.test(name) });
  const changed = path.join(folder, file);
  writeFileSync(changed, change(readFileSync(changed, 'utf8')));
  return readFunctionSet(folder);
}

const answering = (code: string) =>
  setOfAnotherBuild((sql) => sql.replace(`'refused', p_code`, `'refused', '${code}'`));

async function database(): Promise<TestDatabase> {
  const made = await createDatabase();
  databases.push(made);
  return made;
}

/** What `refusal('mine')` of a set answers to a service of that build. */
async function refusalBy(set: FunctionSet, { serviceUrl }: TestDatabase): Promise<unknown> {
  const client = new pg.Client({ connectionString: serviceUrl });
  await client.connect();
  try {
    return (await client.query(`select ${set.schema}.refusal(p_code => 'mine') ->> 'refused' as code`)).rows[0]
      ?.code as unknown;
  } finally {
    await client.end();
  }
}

async function setsIn(made: TestDatabase): Promise<string[]> {
  const schemas = await made.query(`select nspname from pg_namespace where nspname like 'stagedoor\\_%'`);
  const recorded = await made.query('select schema_name from function_sets');
  const names = recorded.map(({ schema_name: name }) => String(name)).toSorted((a, b) => a.localeCompare(b));
  expect(new Set(schemas.map(({ nspname }) => nspname))).toEqual(new Set(names));
  return names;
}

test('a build that differs in one line has a set of its own', () => {
  const other = answering('theirs');
  expect(other.hash).not.toBe(functionSet.hash);
  expect(readFunctionSet(source).hash).toBe(functionSet.hash);
  expect(functionSet.schema).toBe(`stagedoor_${functionSet.hash.slice(0, 12)}`);
});

test('two builds work side by side, each with its own functions', async () => {
  const made = await database();
  const other = answering('theirs');
  expect(await migrate(made.ownerUrl, migrationsFolder, other)).toEqual({ migrations: [], functions: other.schema });
  expect(await refusalBy(functionSet, made)).toBe('mine');
  expect(await refusalBy(other, made)).toBe('theirs');
  expect(await setsIn(made)).toEqual([functionSet.schema, other.schema].sort());
});

test('the set before the newest stays; older ones go with the next migration', async () => {
  const made = await database();
  const [second, third] = [answering('second'), answering('third')];
  await migrate(made.ownerUrl, migrationsFolder, second);
  await migrate(made.ownerUrl, migrationsFolder, third);
  expect(await setsIn(made)).toEqual([second.schema, third.schema].sort());
  expect(await refusalBy(second, made)).toBe('second');
});

test('going back to an earlier build makes its set the newest again', async () => {
  const made = await database();
  const [second, third] = [answering('second'), answering('third')];
  await migrate(made.ownerUrl, migrationsFolder, second);
  expect(await migrate(made.ownerUrl)).toEqual({ migrations: [], functions: undefined });
  await migrate(made.ownerUrl, migrationsFolder, third);
  expect(await setsIn(made)).toEqual([functionSet.schema, third.schema].sort());
});

test.each([
  [
    'a body that cannot be run',
    (sql: string) => sql.replace('jsonb_build_object', 'jsonb_bild_object'),
    'jsonb_bild_object',
  ],
  [
    'a name that is not that of its file',
    (sql: string) => sql.replace('function refusal(', 'function denial('),
    'called refusal',
  ],
  [
    'an owner that does not exist',
    (sql: string) => sql.replace('owner: migrator', 'owner: nobody_at_all'),
    'nobody_at_all',
  ],
])('a set with %s is not deployed, and the message names the file', async (_, change, why) => {
  const made = await database();
  const broken = migrate(made.ownerUrl, migrationsFolder, setOfAnotherBuild(change));
  await expect(broken).rejects.toThrow(new RegExp(`the function joins/sql/refusal.sql cannot be deployed: .*${why}`));
  expect(await setsIn(made)).toEqual([functionSet.schema]);
});

test('a file without its header line is refused by name', () => {
  expect(() => setOfAnotherBuild((sql) => sql.replace(/^.*\n/, ''))).toThrow('joins/sql/refusal.sql must begin with');
});

test('a running service whose set is dropped says not ready, answers 503, and serves again once it is back', async () => {
  const stagedoor = await Stagedoor.start();
  try {
    const tenant = await stagedoor.createTenant();
    const space = await stagedoor.createSpace(tenant);
    const join = () => stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId: 'ann' });
    expect((await join()).status).toBe(201);
    await stagedoor.database.query(`drop schema ${functionSet.schema} cascade`);
    expect((await stagedoor.get('/health/ready')).status).toBe(503);
    const answer = await join();
    expectProblem(answer, 'unavailable');
    expect(answer.body['detail']).toContain('does not have the functions of this build');
    expect((await stagedoor.get('/health/live')).status).toBe(200);
    await migrate(stagedoor.database.ownerUrl);
    expect((await stagedoor.get('/health/ready')).status).toBe(200);
    expect((await join()).status).toBe(201);
  } finally {
    await stagedoor.stop();
  }
});
