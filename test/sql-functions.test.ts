/** What the SQL functions call. Postgres itself looks for a function that PL/pgSQL calls only when it runs the call. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { usesOf } from '../dev/sql/read.ts';
import { functionSet } from '../src/database/function-set.ts';
import { asSuperuser } from './support/database.ts';

const root = path.resolve(import.meta.dirname, '..');

test('a SQL function calls only functions of its own set and of Postgres', async () => {
  const known = new Set(functionSet.functions.map(({ name }) => name));
  await asSuperuser('postgres', async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select distinct proname as name from pg_proc where pronamespace = 'pg_catalog'::regnamespace`,
    );
    for (const { name } of rows) known.add(name).add(`pg_catalog.${name}`);
  });
  const calls = functionSet.functions.flatMap(({ feature, name, sql }) =>
    usesOf(sql).functions.map((call) => ({ place: `src/${feature}/sql/${name}.sql:${call.line}`, call: call.name })),
  );
  expect(calls.length).toBeGreaterThan(functionSet.functions.length);
  const unknown = calls.filter(({ call }) => !known.has(call));
  expect(unknown.map(({ place, call }) => `${place} calls ${call}, which does not exist`)).toEqual([]);
});

test('advisory locks are taken by the functions of src/database alone, which make the keys', () => {
  const calls = functionSet.functions.flatMap(({ feature, name, sql }) =>
    usesOf(sql)
      .functions.filter((call) => /^(pg_catalog\.)?pg_(try_)?advisory|^hashtext/.test(call.name))
      .map((call) => ({ feature, call: `src/${feature}/sql/${name}.sql:${call.line} calls ${call.name}` })),
  );
  expect(calls.length).toBeGreaterThan(3);
  const elsewhere = calls.filter(({ feature }) => feature !== 'database').map(({ call }) => call);
  expect(elsewhere.map((call) => `${call}: use take_lock or try_lock, whose keys no two things share`)).toEqual([]);
  const inCode = globSync('src/**/*.ts', { cwd: root }).filter((file) =>
    /pg_(try_)?advisory/.test(readFileSync(path.join(root, file), 'utf8')),
  );
  expect(inCode.map((file) => file.replaceAll('\\', '/'))).toEqual(['src/database/migrate.ts']);
});
