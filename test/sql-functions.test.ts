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

test('events of IVS let stages be looked at, and decide nothing: they write no grant, ban, hold or delivery', () => {
  const sources = [
    ...globSync('src/ingest/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts')),
    'src/sessions/reported-events.ts',
  ].map((file) => readFileSync(path.join(root, file), 'utf8'));
  const calls = new Set(sources.flatMap((text) => [...text.matchAll(/'([a-z_]+)'/g)].map(([, name]) => name)));
  const reached = functionSet.functions.filter(({ name }) => calls.has(name));
  expect(reached.map(({ name }) => name)).toEqual(expect.arrayContaining(['keep_ivs_event', 'report_stage_event']));
  // The loop goes on with what it finds on its way.
  for (const { sql } of reached) {
    const names = new Set(usesOf(sql).functions.map(({ name }) => name));
    reached.push(...functionSet.functions.filter((one) => names.has(one.name) && !reached.includes(one)));
  }
  const written = new Set(reached.flatMap(({ sql }) => usesOf(sql).writes.map(({ name }) => name)));
  expect([...written].toSorted()).toEqual([
    'public.events',
    'public.ivs_events',
    'public.pacing', // the rates at IVS
    'public.stage_looks',
    'public.stage_participants',
    'public.stage_sessions',
    'public.watches', // when the next look is due
  ]);
});
