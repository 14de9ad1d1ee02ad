/** Advisory locks while two releases work on one database: those of the release before hash their keys without a salt. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { functionSet, type FunctionSet, migrationsFolder, readFunctionSet } from '../src/database/function-set.ts';
import { migrate } from '../src/database/migrate.ts';
import { createEmptyDatabase, type TestDatabase } from './support/database.ts';

/** The functions that took advisory locks before the migration 0004_lock_keys, in their words of then. */
const before: Record<string, string> = {
  'grants/sql/lock_user.sql': String.raw`-- owner: migrator; security: invoker; execute: stagedoor_app
create function lock_user(p_tenant text, p_user text, p_exclusive boolean)
returns void
language plpgsql
as $$
declare
  v_key bigint := hashtextextended(p_tenant || E'\n' || p_user, 0);
begin
  if p_exclusive then
    perform pg_advisory_xact_lock(v_key);
  else
    perform pg_advisory_xact_lock_shared(v_key);
  end if;
end;
$$;
`,
  'spaces/sql/lock_space.sql': String.raw`-- owner: migrator; security: invoker; execute: stagedoor_app
create function lock_space(p_tenant text, p_space text, p_exclusive boolean)
returns void
language plpgsql
as $$
declare
  v_key bigint := hashtextextended(p_tenant || E'\n' || p_space || E'\nspace', 0);
begin
  if p_exclusive then
    perform pg_advisory_xact_lock(v_key);
  else
    perform pg_advisory_xact_lock_shared(v_key);
  end if;
end;
$$;
`,
  'acts/sql/action_lock_key.sql': String.raw`-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
create function action_lock_key(p_tenant text, p_action text)
returns bigint
language sql
immutable
as $$
  select hashtextextended(p_tenant || E'\n' || p_action || E'\ncalls', 0);
$$;
`,
  'grants/sql/vends_in_last_minute.sql': String.raw`-- owner: migrator; security: invoker; execute: stagedoor_app
create function vends_in_last_minute(p_tenant text, p_user text, p_stage boolean, p_chat boolean, p_most integer)
returns table (used integer, oldest timestamptz)
language plpgsql
set enable_seqscan = off
as $$
#variable_conflict use_column
begin
  perform pg_advisory_xact_lock(hashtextextended(p_tenant || E'\n' || p_user || E'\nrate', 0));
  return query select 1, now();
end;
$$;
`,
  'joins/sql/is_full.sql': String.raw`-- owner: migrator; security: invoker; execute: stagedoor_app
create function is_full(p_space public.spaces, p_user text, p_limits jsonb)
returns boolean
language plpgsql
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(p_space.tenant_id || E'\n' || p_space.id || E'\ncapacity', 0));
  return false;
end;
$$;
`,
  'audit/sql/seal_audit.sql': String.raw`-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
create function seal_audit(p_limit integer)
returns bigint
language plpgsql
as $$
begin
  if not pg_try_advisory_xact_lock(hashtextextended('stagedoor audit', 0)) then
    return 0::bigint;
  end if;
  return 7::bigint;
end;
$$;
`,
};

let database: TestDatabase;
let old: FunctionSet;
const folders: string[] = [];
const clients: pg.Client[] = [];

function folder(): string {
  const made = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-locks-'));
  folders.push(made);
  return made;
}

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  clients.push(client);
  return client;
}

beforeAll(async () => {
  database = await createEmptyDatabase();
  const migrations = folder();
  for (const name of ['0001_tenancy_and_vending', '0002_moderation']) {
    cpSync(path.join(migrationsFolder, name), path.join(migrations, name), { recursive: true });
  }
  const features = folder();
  for (const [file, sql] of Object.entries(before)) {
    mkdirSync(path.dirname(path.join(features, file)), { recursive: true });
    writeFileSync(path.join(features, file), sql);
  }
  old = readFunctionSet(features, migrations);
  await migrate(database.ownerUrl, migrations, old);
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await database.drop();
  for (const made of folders) rmSync(made, { recursive: true });
});

test('a replica of the release before and one of this release exclude each other', async () => {
  // A transaction that began before the migration. Migrating ends after it, so this release never runs beside it.
  const earlier = await connect();
  await earlier.query('begin');
  await earlier.query(`select ${old.schema}.lock_user('ten', 'ann', false)`);
  let isMigrated = false;
  const migrating = migrate(database.ownerUrl).then(() => (isMigrated = true));
  const replica = await connect();
  const isNew = async () => (await replica.query(`select to_regclass('lock_salt') as found`)).rows[0]?.found !== null;
  while (!(await isNew())) await replica.query('select pg_sleep(0.01)');
  await expectWait(replica, `${old.schema}.lock_user('ten', 'ann', true)`, true);
  expect(isMigrated).toBe(false);
  await earlier.query('commit');
  await migrating;

  const { schema } = functionSet;
  const space = `jsonb_populate_record(null::spaces, '{"tenant_id": "ten", "id": "spc", "capacity": 1}')`;
  const action = `('action', array['ten', 'act'], true)`;
  const pairs: [string, string, string][] = [
    [`lock_user('ten', 'ann', true)`, `lock_user('ten', 'ann', false)`, `lock_user('ten', 'ben', false)`],
    [`lock_space('ten', 'spc', true)`, `lock_space('ten', 'spc', false)`, `lock_space('ten', 'spc_2', false)`],
    [
      `vends_in_last_minute('ten', 'ann', true, true, 5)`,
      `vends_in_last_minute('ten', 'ann', true, true, 5, false)`,
      `vends_in_last_minute('ten', 'ben', true, true, 5, false)`,
    ],
    [`is_full(${space}, 'ann', '{}')`, `take_lock('capacity', array['ten', 'spc'], true)`, `take_lock${action}`],
  ];
  for (const [ofOld, ofNew, beside] of pairs) {
    await earlier.query('begin');
    await earlier.query(`select ${old.schema}.${ofOld}`);
    await expectWait(replica, `${schema}.${ofNew}`, true);
    await expectWait(replica, `${schema}.${beside}`, false);
    await expectWait(replica, `${old.schema}.${ofOld}`, true);
    await earlier.query('commit');
    await earlier.query('begin');
    await earlier.query(`select ${schema}.${ofNew}`);
    await expectWait(replica, `${old.schema}.${ofOld}`, true);
    await earlier.query('commit');
  }
  expect(await ask(replica, `${old.schema}.action_lock_key('ten', 'act')`)).toBe(
    await ask(replica, `${schema}.lock_key('action', array['ten', 'act'])`),
  );
  await earlier.query('begin');
  await earlier.query(`select ${schema}.seal_audit(1)`);
  expect(await ask(replica, `${old.schema}.seal_audit(1)`)).toBe('0');
  await earlier.query('commit');
  expect(await ask(replica, `${old.schema}.seal_audit(1)`)).toBe('7');
});

/** Says whether a call waits for a lock. Postgres counts the time only while it waits. */
async function expectWait(client: pg.Client, call: string, waits: boolean): Promise<void> {
  await client.query(`begin; set local lock_timeout = '1ms'`);
  const state = await client.query(`select ${call}`).then(
    () => 'went on',
    (error: unknown) => (error as { code?: string }).code,
  );
  await client.query('rollback');
  expect({ call, state }).toEqual({ call, state: waits ? '55P03' : 'went on' });
}

async function ask(client: pg.Client, call: string): Promise<unknown> {
  return (await client.query<{ result: unknown }>(`select ${call} as result`)).rows[0]?.result;
}
