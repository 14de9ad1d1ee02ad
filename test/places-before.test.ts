/** The users of a space with a capacity, while a replica of the release before changes grants and knows of no count. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { functionSet, type FunctionSet, migrationsFolder, readFunctionSet } from '../src/database/function-set.ts';
import { migrate } from '../src/database/migrate.ts';
import { limits } from '../src/limits.ts';
import { createEmptyDatabase, type TestDatabase } from './support/database.ts';

/** Functions that write grants, in their words before the migration 0027_places. */
const before: Record<string, string> = {
  'grants/sql/mark_grants_watched.sql': String.raw`-- owner: migrator; security: invoker; execute: stagedoor_app
create function mark_grants_watched(p_tenant text, p_ids text[])
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
begin
  update public.grants
  set state = 'watched'
  where
    tenant_id = p_tenant
    and id = any (p_ids)
    and state = 'released'
    and (kind = 'stage' or session_expires_at > now());
end;
$$;
`,
  'grants/sql/record_stage_grant.sql': String.raw`-- owner: migrator; security: invoker; execute: stagedoor_app
create function record_stage_grant(p_tenant text, p_id text, p_user text)
returns void
language plpgsql
as $$
declare
  v_until timestamptz := now() + interval '1 hour';
begin
  insert into public.grants (
    tenant_id, id, space_id, user_id, ivs_user_id, kind, role, capabilities, expires_at, session_expires_at, state
  )
  values (p_tenant, p_id, 'spc', p_user, p_user, 'stage', 'host', '{}', v_until, v_until, 'released');
end;
$$;
`,
  'grants/sql/sweep_pending_grants.sql': String.raw`-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
create function sweep_pending_grants(p_older_than interval, p_most integer)
returns bigint
language plpgsql
as $$
declare
  v_old tid[] := array(
    select ctid
    from public.grants
    where state = 'pending' and issued_at < now() - p_older_than
    order by issued_at
    limit p_most
    for update skip locked
  );
begin
  update public.grants set state = 'refused' where ctid = any (v_old);
  return cardinality(v_old)::bigint;
end;
$$;
`,
};

let database: TestDatabase;
let old: FunctionSet;
let client: pg.Client;
const folders: string[] = [];

function folder(): string {
  const made = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-places-'));
  folders.push(made);
  return made;
}

beforeAll(async () => {
  database = await createEmptyDatabase();
  const migrations = folder();
  for (const name of readdirSync(migrationsFolder)) {
    if (/^00(0|1|2[0-6])/.test(name)) {
      cpSync(path.join(migrationsFolder, name), path.join(migrations, name), { recursive: true });
    }
  }
  const features = folder();
  for (const [file, sql] of Object.entries(before)) {
    mkdirSync(path.dirname(path.join(features, file)), { recursive: true });
    writeFileSync(path.join(features, file), sql);
  }
  old = readFunctionSet(features, migrations);
  await migrate(database.ownerUrl, migrations, old);
  await migrate(database.ownerUrl);
  client = new pg.Client({ connectionString: database.superuserUrl });
  await client.connect();
  await client.query(`insert into tenants (id, slug, name, region) values ('ten', 'ten', 'A tenant', 'us-east-1');
    insert into spaces (tenant_id, id, name, capacity, ready_at, updated_at) values ('ten', 'spc', 'A space', 2, now(), now())`);
});

afterAll(async () => {
  await client.end();
  await database.drop();
  for (const made of folders) rmSync(made, { recursive: true });
});

/** Whether a newcomer is kept out, as this build decides it. */
async function isFull(): Promise<unknown> {
  const text = `select ${functionSet.schema}.is_full((select s from spaces s where id = 'spc'), 'newcomer', $1, false) as result`;
  return (await client.query<{ result: unknown }>(text, [JSON.stringify(limits)])).rows[0]?.result;
}

/** The count, after so many calls that it can be relied on, if it can. */
async function count(): Promise<Record<string, unknown> | undefined> {
  const read = async () => {
    const { rows } = await client.query<Record<string, unknown>>('select * from place_counts where not is_ended');
    return rows[0];
  };
  for (const until = performance.now() + 60_000; performance.now() < until;) {
    await isFull();
    const found = await read();
    if (found?.['is_filled'] === true || Number(found?.['begins_at']) > Date.now()) return found;
  }
  return await read();
}

const byOld = (call: string) => client.query(`select ${old.schema}.${call}`);

test.each<[string, number, string[], boolean]>([
  ['lets somebody in', 1, [`record_stage_grant('ten', 'grt_2', 'ben')`], true],
  ['bans somebody', 2, [`mark_grants_watched('ten', '{grt_1}')`], false],
  ['refuses a token that nobody received', 2, [`sweep_pending_grants('1 minute', 10)`], false],
  [
    'bans somebody and lets somebody in',
    2,
    [`mark_grants_watched('ten', '{grt_1}')`, `record_stage_grant('ten', 'grt_3', 'cat')`],
    true,
  ],
])(
  'a newcomer is let in if and only if there is room, right after the release before %s',
  async (_, users, calls, answer) => {
    await client.query(`delete from place_notes; delete from places; delete from place_counts; delete from grants`);
    await client.query(
      `insert into grants (tenant_id, id, space_id, user_id, ivs_user_id, kind, role, capabilities, issued_at, expires_at, session_expires_at, state)
     select 'ten', 'grt_' || n, 'spc', 'user-' || n, 'user-' || n, 'stage', 'host', '{}', now() - interval '2 minutes', now() + interval '1 hour', now() + interval '1 hour',
            case n when 1 then 'released' else 'pending' end
       from generate_series(1, $1) as n`,
      [users],
    );
    expect(await count()).toMatchObject({ is_filled: true, users });
    expect(await isFull()).toBe(users === 2);
    for (const call of calls) await byOld(call);
    expect(await isFull()).toBe(answer);

    // All users are counted for some time, because the release before goes on. Then a new count is relied on.
    expect(await count()).toMatchObject({ is_filled: false });
    expect(await isFull()).toBe(answer);
    await client.query(`update place_counts set begins_at = now() - interval '1 s' where not is_ended`);
    expect(await count()).toMatchObject({ is_filled: true });
    expect(await isFull()).toBe(answer);
  },
);
