/** What the database itself holds to, whatever the code above it does: whose rows a connection sees, and what it may do. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { createApp } from '../src/app.ts';
import { Settings } from '../src/config.ts';
import { translateDatabaseErrors } from '../src/database/database-errors.ts';
import { Database, systemScope } from '../src/database/database.ts';
import { Reach } from '../src/database/reach.ts';
import { functionSet } from '../src/database/function-set.ts';
import { runIn } from '../src/database/sql-call.ts';
import { Problem } from '../src/errors.ts';
import { assertServable, lackOfRights } from '../src/database/serving-role.ts';
import { columnRights, rights, tableRights } from '../src/database/table-rights.ts';
import { asSuperuser, createDatabase } from './support/database.ts';
import { type Json, Stagedoor, type TestTenant } from './support/stagedoor.ts';
import { until } from './support/until.ts';

let stagedoor: Stagedoor;
let superuser: pg.Client;
const clients: pg.Client[] = [];
let ours: TestTenant;
let theirs: TestTenant;

/** Tables whose rows belong to a tenant. */
let tenantTables: string[];

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  [ours, theirs] = await Promise.all([fill('ours'), fill('theirs')]);
  // The places of events follow their commits.
  await until(async () => {
    const [found] = await stagedoor.database.query('select count(*)::int as logs from event_logs');
    return found?.['logs'] === 2;
  }, 'both tenants have a log of events');
  // From here on the tables are looked at and tampered with; nobody is to work in them meanwhile.
  await stagedoor.stopService();
  superuser = new pg.Client({ connectionString: stagedoor.database.superuserUrl });
  await superuser.connect();
  clients.push(superuser);
  // The tables that are empty again a moment after a request has filled them.
  await superuser.query(`insert into unfinished_actions (tenant_id, action_id, grants, keep_out, watch_for, watch_from)
                         select tenant_id, id, '{}', true, 'banned', now() from actions where kind = 'ban'`);
  await superuser.query(`insert into unsealed_vends (tenant_id, id, action, space_id, user_id, role, request_id)
                         select tenant_id, 'aud_' || id, 'space.join', space_id, user_id, role, 'test' from grants`);
  await superuser.query(
    `insert into unsealed_groups (tenant_id, id, vends) select tenant_id, 'aud_g' || id, '[["a"]]' from grants`,
  );
  await superuser.query(`insert into place_counts (tenant_id, space_id, space_updated_at) select tenant_id, id, updated_at from spaces;
    insert into place_sources (tenant_id, space_id, count_id) select tenant_id, space_id, id from place_counts;
    insert into places (tenant_id, count_id, user_id, until) select tenant_id, id, 'ann', now() from place_counts;
    insert into place_notes (tenant_id, count_id) select tenant_id, id from place_counts`);
  await superuser.query(
    `insert into audit_checkpoints select id, 1, false, 'x', now(), 'x', 'x' from tenants on conflict do nothing`,
  );
  await superuser.query(
    `insert into journal_entries (tenant_id, id, caller, action) select id, 'aud_' || id, '{}', 'x' from tenants`,
  );
  await superuser.query(`insert into tenant_ends (tenant_id) select id from tenants`);
  await superuser.query(`insert into untold_grants select tenant_id, id from grants`);
  await superuser.query(`insert into stage_looks (tenant_id, space_id) select tenant_id, id from spaces;
    insert into stage_sessions (tenant_id, space_id, session_id, started_at) select tenant_id, id, 'st', now() from spaces;
    insert into stage_participants (tenant_id, space_id, session_id, participant_id, joined_at, seen_at, certainty)
    select tenant_id, id, 'st', 'participant', now(), now(), 'confirmed' from spaces`);
  await superuser.query(
    `insert into ivs_events (tenant_id, id, type, at) select id, 'event', 'test', now() from tenants`,
  );
  await superuser.query(`insert into ivs_calls select id, 'own us-east-1', 'GetStage', 1, now() from tenants
    on conflict do nothing`);
  await superuser.query(`insert into refusals select id, date_trunc('hour', now()), 'banned', 1 from tenants
    on conflict do nothing`);
  await superuser.query(`insert into data_keys (tenant_id, master_key, data_key) select id, 'aabbccdd', 'x' from tenants
    on conflict do nothing`);
  await superuser.query(`insert into allowances (tenant_id, name, whole_at) select id, 'requests', now() from tenants
    on conflict do nothing`);
  tenantTables = await columnOf(`
    select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
       and a.attname = 'tenant_id' and not a.attisdropped order by 1`);
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await stagedoor.stop();
});

/** A tenant with rows in every table, by requests as customers make them. */
async function fill(slug: string): Promise<TestTenant> {
  const tenant = await stagedoor.createTenant(slug);
  const as = tenant.key;
  const role = { stage: { capabilities: ['PUBLISH'] }, chat: { capabilities: ['SEND_MESSAGE'] } };
  await must(200, stagedoor.request('PUT', `/v1/roles/${slug}-role`, { as, body: role }));
  const space = await stagedoor.createSpace(tenant, { name: slug, defaultRole: `${slug}-role` });
  const member = `/v1/spaces/${space['id']}/members/${slug}-user`;
  await must(200, stagedoor.request('PUT', member, { as, body: { role: `${slug}-role` } }));
  const key = stagedoor.request('POST', '/v1/signing-keys', { as, headers: { 'idempotency-key': slug } });
  await must(201, key);
  await must(201, stagedoor.post(`/v1/spaces/${space['id']}/join`, as, { userId: `${slug}-user` }));
  await must(201, stagedoor.post('/v1/bans', as, { userId: `${slug}-user`, spaceId: space['id'] }));
  const webhook = await must(201, stagedoor.post('/v1/webhooks', as, { url: 'http://127.0.0.1:9/' })); // nobody listens
  await must(202, stagedoor.post(`/v1/webhooks/${webhook['id']}/test`, as));
  await must(201, stagedoor.post(`/v1/users/${slug}-user/notes`, as, { text: slug }));
  await must(202, stagedoor.request('DELETE', `/v1/users/${slug}-nobody/data`, { as }));
  await must(204, stagedoor.request('POST', '/console/session', { body: { credential: as } }));
  const provider = {
    name: 'Staff',
    issuer: 'http://127.0.0.1:9/',
    clientId: slug,
  };
  const { id: issuerId } = await must(201, stagedoor.post('/v1/console-issuers', as, provider));
  const person = { as, body: { issuerId, role: 'admin' } };
  await must(200, stagedoor.request('PUT', `/v1/console-users/${slug}-admin`, person));
  await must(200, stagedoor.request('PATCH', '/v1/settings', { as, body: { reasons: ['rude'] } }));
  return tenant;
}

async function must(status: number, answer: ReturnType<Stagedoor['request']>): Promise<Json> {
  return await stagedoor.expect(status, answer);
}

async function rowsOf(sql: string, values: unknown[] = []): Promise<Json[]> {
  return (await superuser.query<Json>(sql, values)).rows;
}

/** The first column of what a query finds. */
async function columnOf(sql: string, values: unknown[] = []): Promise<string[]> {
  return (await rowsOf(sql, values)).map((row) => String(Object.values(row)[0]));
}

/** Runs `work` in a transaction that is undone afterwards. */
async function undone<T>(work: () => Promise<T>): Promise<T> {
  await superuser.query('begin');
  try {
    return await work();
  } finally {
    await superuser.query('rollback');
  }
}

/** Goes on as the service does, inside a tenant or in none. To be undone. */
async function asService(tenant?: TestTenant): Promise<void> {
  await superuser.query('set local role stagedoor_test_service');
  await superuser.query(`select set_config('app.tenant_id', $1, true)`, [tenant?.id ?? '']);
}

/** The SQLSTATE of what goes wrong, or undefined if nothing does. */
async function failureOf(sql: string, values: unknown[] = []): Promise<string | undefined> {
  await superuser.query('savepoint before');
  try {
    await superuser.query(sql, values);
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  } finally {
    await superuser.query('rollback to before');
  }
}

const insufficientPrivilege = '42501'; // also what row-level security answers to a row that may not be written
const foreignKeyViolation = '23503';

describe('the tables', () => {
  test('each holds rows of both tenants, or the tests below would prove nothing', async () => {
    expect(tenantTables.length).toBeGreaterThan(14);
    for (const table of tenantTables) {
      const found = await columnOf(`select distinct tenant_id from ${table} where tenant_id in ($1, $2)`, [
        ours.id,
        theirs.id,
      ]);
      expect({ table, tenants: found.length }).toEqual({ table, tenants: 2 });
    }
  });

  test('every table belongs to tenants, or is known not to', async () => {
    const all = await columnOf(
      `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f') order by 1`,
    );
    expect(all.filter((table) => !tenantTables.includes(table))).toEqual([
      '_prisma_migrations', // the owner's
      'function_sets', // the owner's
      'journal_state', // the journal has the entries of all tenants; functions write it
      'lock_salt', // the same for all tenants; only a function reads it
      'master_keys', // of the deployment; functions write it
      'pacing', // call rates of AWS accounts, which tenants share; only functions touch it
      'tenants', // has the tenant as its id
      'watchdog', // looks at the bans of all tenants; only functions touch it
    ]);
  });

  test('row-level security is enabled and forced on each', async () => {
    const open = await columnOf(
      `
      select relname from pg_class where oid = any ($1::regclass[]) and not (relrowsecurity and relforcerowsecurity)`,
      [[...tenantTables, 'tenants']],
    );
    expect(open).toEqual([]);
  });

  test('each has one policy that lets the service in, and one that holds it to its tenant', async () => {
    const policies = await rowsOf(`
      select tablename, policyname, permissive, roles::text[], cmd, qual, with_check from pg_policies where schemaname = 'public'
       order by tablename, policyname`);
    const entered = `( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text) AS "nullif")`;
    const tenant = `(tenant_id = ${entered})`;
    const operator = `((id = ${entered}) OR (( SELECT current_setting('app.operator'::text, true) AS current_setting) = 'on'::text))`;
    for (const table of [...tenantTables, 'tenants']) {
      const found = policies.filter(({ tablename }) => tablename === table);
      const common = { tablename: table, roles: ['stagedoor_app'], cmd: 'ALL' };
      const rule = table === 'tenants' ? operator : tenant;
      expect(found.filter(({ roles }) => !(roles as string[]).includes('stagedoor_crossing'))).toEqual([
        { ...common, policyname: 'serving', permissive: 'PERMISSIVE', qual: 'true', with_check: 'true' },
        { ...common, policyname: 'tenant', permissive: 'RESTRICTIVE', qual: rule, with_check: rule },
      ]);
      for (const other of found.filter(({ roles }) => (roles as string[]).includes('stagedoor_crossing')))
        expect(other).toMatchObject({ policyname: expect.stringMatching(/^crossing/), roles: ['stagedoor_crossing'] });
    }
  });

  test('the tenant is part of every primary, unique and foreign key, so none can reach across', async () => {
    const keys = await rowsOf(
      `
      select c.conrelid::regclass::text as table, c.conname as name, c.contype as type, c.confrelid::regclass::text as target,
             array(select attname::text from unnest(c.conkey) with ordinality k (n, i)
                     join pg_attribute on attrelid = c.conrelid and attnum = n order by i) as columns,
             array(select attname::text from unnest(c.confkey) with ordinality k (n, i)
                     join pg_attribute on attrelid = c.confrelid and attnum = n order by i) as target_columns
        from pg_constraint c where c.conrelid = any ($1::regclass[]) and c.contype in ('p', 'u', 'f')`,
      [tenantTables],
    );
    const uniqueIndexes = await rowsOf(
      `
      select i.indrelid::regclass::text as table, i.indexrelid::regclass::text as name,
             array(select attname::text from unnest(i.indkey) with ordinality k (n, o)
                     join pg_attribute on attrelid = i.indrelid and attnum = n order by o) as columns
        from pg_index i where i.indisunique and i.indrelid = any ($1::regclass[])`,
      [tenantTables],
    );
    const withoutTenant = [...keys, ...uniqueIndexes].filter(({ columns }) => columns[0] !== 'tenant_id');
    // Reservations are unique in the whole deployment.
    expect(new Set(withoutTenant.map(({ name }) => String(name)))).toEqual(new Set(['reservations_pkey']));
    const across = keys.filter(
      ({ type, target, target_columns }) =>
        type === 'f' && target_columns[0] !== (target === 'tenants' ? 'id' : 'tenant_id'),
    );
    expect(across).toEqual([]);
    expect(keys.filter(({ type }) => type === 'f').length).toBeGreaterThan(15);
  });

  test('each can be searched by tenant: an index is led by it', async () => {
    const led = await columnOf(`
      select distinct indrelid::regclass::text from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
       where a.attname = 'tenant_id' and i.indpred is null`);
    expect(tenantTables.filter((table) => !led.includes(table))).toEqual([]);
  });
});

describe('the policies', () => {
  /** What the service can do with the other tenant's rows of a table: nothing, if all is well. */
  async function reach(table: string): Promise<string[]> {
    const found: string[] = [];
    await asService(ours);
    if ((await columnOf(`select count(*) from ${table} where tenant_id = $1`, [theirs.id]))[0] !== '0')
      found.push('reads');
    const moved = await failureOf(`update ${table} set tenant_id = $1 where tenant_id = $2`, [theirs.id, ours.id]);
    // Where the service may not update at all, it is tried with an insert.
    const [columns = ''] = await columnOf(
      `select coalesce(string_agg(quote_ident(column_name), ', '), '') from information_schema.columns
        where table_schema = 'public' and table_name = $1
          and has_column_privilege('stagedoor_test_service', 'public.' || quote_ident(table_name), column_name, 'INSERT')`,
      [table],
    );
    const copied =
      columns === ''
        ? insufficientPrivilege
        : await failureOf(
            `insert into ${table} (${columns}) select ${columns} from (
               select (jsonb_populate_record(t, jsonb_build_object('tenant_id', $1::text))).* from ${table} t where tenant_id = $2) t`,
            [theirs.id, ours.id],
          );
    if ([moved, copied].some((code) => code !== insufficientPrivilege && code !== '428C9')) found.push('writes');
    return found;
  }

  test('the service reads and writes nothing of another tenant', async () => {
    for (const table of tenantTables)
      expect({ table, reach: await undone(() => reach(table)) }).toEqual({ table, reach: [] });
  });

  test('each matters: without it, the other tenant’s rows lie open, or the service’s own are gone', async () => {
    for (const table of tenantTables) {
      const without = (change: string) =>
        undone(async () => {
          await superuser.query(change);
          return await reach(table);
        });
      const all = writtenByFunctions.has(table) ? ['reads'] : ['reads', 'writes'];
      expect({ table, without: 'tenant', reach: await without(`drop policy tenant on ${table}`) }).toEqual({
        table,
        without: 'tenant',
        reach: all,
      });
      expect({
        table,
        without: 'security',
        reach: await without(`alter table ${table} disable row level security`),
      }).toEqual({ table, without: 'security', reach: all });
      const own = (change: string) =>
        undone(async () => {
          await superuser.query(change);
          await asService(ours);
          return Number((await columnOf(`select count(*) from ${table}`))[0]);
        });
      expect(await own('select')).toBeGreaterThan(0);
      expect({ table, without: 'serving', own: await own(`drop policy serving on ${table}`) }).toEqual({
        table,
        without: 'serving',
        own: 0,
      });
    }
  });

  test('each that lets functions look across the tenants is used: without it, they see nothing', async () => {
    const tables = await columnOf(`select tablename from pg_policies where policyname = 'crossing'`);
    expect(tables.length).toBeGreaterThan(6);
    const seen = (table: string, change: string) =>
      undone(async () => {
        await superuser.query(change);
        await superuser.query('set local role stagedoor_crossing');
        return Number((await columnOf(`select count(*) from ${table}`))[0]);
      });
    for (const table of tables) {
      expect(await seen(table, 'select')).toBeGreaterThan(1);
      expect({ table, seen: await seen(table, `drop policy crossing on ${table}`) }).toEqual({ table, seen: 0 });
    }
  });

  test('even the owner of a table sees no rows, as long as security is forced', async () => {
    await superuser.query('create role some_owner');
    for (const table of [...tenantTables, 'tenants']) {
      const seen = (change: string) =>
        undone(async () => {
          await superuser.query(`grant all on schema public to some_owner; alter table ${table} owner to some_owner`);
          await superuser.query(change);
          // The owner of a real deployment may become the role whose functions look across; this one may not.
          await superuser.query('set local role some_owner');
          return Number((await columnOf(`select count(*) from ${table}`))[0]);
        });
      expect({ table, seen: await seen('select') }).toEqual({ table, seen: 0 });
      expect(await seen(`alter table ${table} no force row level security`)).toBeGreaterThan(0);
    }
    await superuser.query('drop role some_owner');
  });

  test('who forgot to say which tenant is meant sees nothing and changes nothing', async () => {
    for (const table of [...tenantTables, 'tenants']) {
      for (const enter of [
        async () => {
          await superuser.query('set local role stagedoor_test_service');
        },
        () => asService(),
      ]) {
        const seen = await undone(async () => {
          await enter();
          return await columnOf(`select count(*) from ${table}`);
        });
        expect({ table, seen }).toEqual({ table, seen: ['0'] });
      }
      const column = table === 'tenants' ? 'id' : 'tenant_id';
      const changed = await undone(async () => {
        await asService();
        const failure = await failureOf(`update ${table} set ${column} = ${column}`);
        return failure ?? (await superuser.query(`update ${table} set ${column} = ${column}`)).rowCount;
      });
      expect([0, insufficientPrivilege]).toContain(changed);
    }
  });

  test('the operator sees tenants and nothing inside one', async () => {
    const seen = await undone(async () => {
      await asService();
      await superuser.query(`select set_config('app.operator', 'on', true)`);
      const visible: Record<string, string | undefined> = {};
      for (const table of [...tenantTables, 'tenants'])
        [visible[table]] = await columnOf(`select count(*) from ${table}`);
      return visible;
    });
    expect(seen).toEqual({
      ...Object.fromEntries(tenantTables.map((table) => [table, '0'])),
      tenants: '2',
    });
  });
});

test('no reference can be made into another tenant, in any relation', async () => {
  const relations = await rowsOf(`
    select c.conname as name, c.conrelid::regclass::text as table, c.confrelid::regclass::text as target,
           array(select attname::text from unnest(c.conkey) with ordinality k (n, i)
                   join pg_attribute on attrelid = c.conrelid and attnum = n order by i) as columns,
           array(select attname::text from unnest(c.confkey) with ordinality k (n, i)
                   join pg_attribute on attrelid = c.confrelid and attnum = n order by i) as target_columns
      from pg_constraint c
     where c.contype = 'f' and c.connamespace = 'public'::regnamespace and c.confrelid <> 'tenants'::regclass`);
  expect(relations.length).toBeGreaterThan(8);
  for (const { name, table, target, columns, target_columns: keys } of relations) {
    const refused = await undone(async () => {
      // As one whom no policy holds back: the key alone has to refuse.
      const others = (keys as string[]).slice(1);
      const [foreign] = await rowsOf(
        `
        select ${others.join(', ')} from ${target} f where tenant_id = $1
           and not exists (select from ${target} o where o.tenant_id = $2 and (${others.map((key) => `o.${key}`).join(', ')}) = (${others.map((key) => `f.${key}`).join(', ')}))`,
        [theirs.id, ours.id],
      );
      if (!foreign) return 'nothing to refer to';
      const set = (columns as string[])
        .slice(1)
        .map((column, at) => `${column} = $${at + 2}`)
        .join(', ');
      return await failureOf(
        `update ${table} set ${set} where ctid = (select ctid from ${table} where tenant_id = $1 limit 1)`,
        [ours.id, ...others.map((key) => foreign[key] as unknown)],
      );
    });
    expect({ name, refused }).toEqual({ name, refused: foreignKeyViolation });
  }
});

describe('the roles', () => {
  test('the service may do what it has to, and no more', async () => {
    // What it may do with whole tables, and with columns where it is not all of them. Other privileges have no place in the lists.
    const onTables = await rowsOf(`
      select c.relname as table, string_agg(lower(p), ', ' order by n) as may
        from pg_class c, unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) with ordinality as of (p, n)
       where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
         and has_table_privilege('stagedoor_test_service', c.oid, p)
       group by 1`);
    const onColumns = await rowsOf(`
      select c.relname as table, lower(p) as privilege, array_agg(a.attname::text order by a.attname) as columns
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped,
             unnest(array['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) p
       where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
         and has_column_privilege('stagedoor_test_service', c.oid, a.attnum, p)
         and not has_table_privilege('stagedoor_test_service', c.oid, p)
       group by 1, 2`);
    expect(Object.fromEntries(onTables.map(({ table, may }) => [table, may]))).toEqual(
      Object.fromEntries(Object.entries(tableRights).map(([table, may]) => [table, may.join(', ')])),
    );
    const columnsOf = onColumns.map(({ table, privilege, columns }) => ({ table, privilege, columns }));
    const expected = Object.entries(columnRights).flatMap(([table, of]) =>
      Object.entries(of).map(([privilege, columns]) => ({ table, privilege, columns: columns.toSorted() })),
    );
    const order = (rows: Json[]) => rows.toSorted((a, b) => String(a['table']).localeCompare(String(b['table'])));
    expect(order(columnsOf)).toEqual(order(expected));
  });

  test('of the sequences the service may use that of turns alone', async () => {
    const usable = await columnOf(`
      select relname from pg_class where relnamespace = 'public'::regnamespace
         and case when relkind = 'S' then has_sequence_privilege('stagedoor_test_service', oid, 'usage') end order by 1`);
    expect(usable).toEqual(['turns']);
  });

  test('the service is told which right on a table it lacks, whichever it is', async () => {
    const service = new pg.Client({ connectionString: stagedoor.database.serviceUrl });
    clients.push(service);
    await service.connect();
    expect(await lackOfRights(service)).toBeUndefined();
    for (const { table, privilege, column } of rights) {
      const right = column === null ? privilege : `${privilege} (${column})`;
      await superuser.query(`revoke ${right} on ${table} from stagedoor_app`);
      expect(await lackOfRights(service)).toContain(`lacks the right of ${privilege} on the table ${table}, as`);
      await superuser.query(`grant ${right} on ${table} to stagedoor_app`);
    }
    expect(await lackOfRights(service)).toBeUndefined();
  });

  test('the audit log cannot be changed or emptied by the service', async () => {
    await undone(async () => {
      await asService(ours);
      for (const table of ['audit', 'unsealed_groups', 'unsealed_vends'])
        for (const sql of [`update ${table} set tenant_id = 'x'`, `delete from ${table}`, `truncate ${table}`])
          expect(await failureOf(sql)).toBe(insufficientPrivilege);
    });
  });

  test('the service writes no audit entry with a place in the hash chain, or with a time of its own', async () => {
    const entry = (column: string, value: string) =>
      `insert into audit (tenant_id, id, caller, action, request_id, ${column})
       values ('${ours.id}', 'aud_forged', '{}', 'x', 'x', ${value})`;
    await undone(async () => {
      await asService(ours);
      for (const [column, value] of [
        ['seq', '1'],
        ['hash', `'\\x00'`],
        ['at', 'now()'],
      ] as const)
        expect(await failureOf(entry(column, value))).toBe(insufficientPrivilege);
      expect(await failureOf(entry('subject', `'x'`))).toBeUndefined();
      const vend = (columns: string, values: string) =>
        `insert into unsealed_vends (tenant_id, id, action, space_id, user_id, role, request_id${columns})
         values ('${ours.id}', 'aud_forged', 'x', 'x', 'x', 'x', 'x'${values})`;
      expect(await failureOf(vend(', at', ', now()'))).toBe(insufficientPrivilege);
      expect(await failureOf(vend('', ''))).toBeUndefined();
      const group = (columns: string, values: string) =>
        `insert into unsealed_groups (tenant_id, id, vends${columns}) values ('${ours.id}', 'aud_forged', '[["x"]]'${values})`;
      expect(await failureOf(group(', at', ', now()'))).toBe(insufficientPrivilege);
      expect(await failureOf(group('', ''))).toBeUndefined();
    });
  });

  test('functions that look across the tenants may touch little, and write less', async () => {
    const may = await columnOf(`
      select table_name || '.' || string_agg(distinct privilege_type || coalesce(' ' || columns, ''), ', ' order by privilege_type || coalesce(' ' || columns, ''))
        from (select table_name, privilege_type, null as columns from information_schema.role_table_grants
               where grantee = 'stagedoor_crossing' and table_schema = 'public'
              union all
              select table_name, privilege_type, string_agg(column_name, '+' order by column_name) from information_schema.role_column_grants c
               where grantee = 'stagedoor_crossing' and table_schema = 'public' and not exists (
                     select from information_schema.role_table_grants t
                      where t.grantee = c.grantee and t.table_name = c.table_name and t.privilege_type = c.privilege_type)
               group by 1, 2) as given
       group by table_name order by 1`);
    expect(may).toEqual(crossingMay);
  });

  test('nobody logs in as a role with more than a service needs', async () => {
    const roles = await rowsOf(`
      select rolname as role, rolcanlogin or rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication as powerful,
             array(select r.rolname::text from pg_auth_members m join pg_roles r on r.oid = m.roleid where m.member = o.oid) as member_of,
             (select count(*)::int from pg_class where relowner = o.oid) as owns
        from pg_roles o where rolname in ('stagedoor_app', 'stagedoor_crossing') order by 1`);
    expect(roles).toEqual([
      { role: 'stagedoor_app', powerful: false, member_of: [], owns: 0 },
      { role: 'stagedoor_crossing', powerful: false, member_of: [], owns: 0 },
    ]);
  });

  test('a stranger with a login reads no table, makes none, and calls no function', async () => {
    const functions = await columnOf(
      `select oid from pg_proc where pronamespace = '${functionSet.schema}'::regnamespace`,
    );
    const stranger = `stranger_${randomBytes(4).toString('hex')}`;
    await undone(async () => {
      await superuser.query(`create role ${stranger} login`);
      await superuser.query(`set local role ${stranger}`);
      for (const table of [...tenantTables, 'tenants', 'pacing', 'function_sets', 'lock_salt', '_prisma_migrations'])
        expect(await failureOf(`select from ${table}`)).toBe(insufficientPrivilege);
      expect(await failureOf('create table mine (id text)')).toBe(insufficientPrivilege);
      const callable = await columnOf(`select f from unnest($1::oid[]) f where has_function_privilege(f, 'execute')`, [
        functions,
      ]);
      expect(await failureOf(`select ${functionSet.schema}.find_tenant('x')`)).toBe(insufficientPrivilege);
      expect(functions.length).toBeGreaterThan(8);
      expect(callable).toEqual([]);
    });
  });

  test('functions that run with another’s rights belong to the right role and trust nobody’s search path', async () => {
    const functions = await rowsOf(`
      select p.proname as name, r.rolname as owner, p.proconfig::text[] as config from pg_proc p join pg_roles r on r.oid = p.proowner
       where p.pronamespace = '${functionSet.schema}'::regnamespace and p.prosecdef`);
    expect(functions.length).toBeGreaterThan(8);
    for (const { name, owner, config } of functions) {
      expect({ name, owner, config }).toEqual({
        name,
        owner: 'stagedoor_crossing',
        config: ['search_path=pg_catalog, pg_temp'],
      });
    }
  });
});

test('a replica that stands still in a transaction keeps its locks for less than the others wait', async () => {
  const database = new Database(
    settingsFor(stagedoor.database.serviceUrl, { DATABASE_POOL_SIZE: '4' }),
    new Reach(false),
  );
  const lock = { tenant: ours.id, user: 'ann', exclusive: true };
  let stands: (() => void) | undefined;
  let goOn: (() => void) | undefined;
  const isStanding = new Promise<void>((resolve) => (stands = resolve));
  const still = database
    .inScope(
      systemScope(ours.id),
      async (tx) => {
        await runIn(tx, 'lock_user', lock);
        stands?.();
        await new Promise<void>((resolve) => (goOn = resolve));
      },
      60_000,
    )
    .then(
      () => 'committed',
      (error: unknown) => error,
    );
  try {
    await isStanding;
    await database.run('lock_user', lock);
    goOn?.();
    expect(await still).toMatchObject({ code: 'unavailable' });
  } finally {
    goOn?.();
    await still;
    await database.onApplicationShutdown();
  }
});

/** Tables that the service itself only reads. */
const writtenByFunctions = new Set([
  'allowances',
  'data_keys',
  'ivs_calls',
  'refusals',
  'event_logs',
  'stage_looks',
  'stage_sessions',
  'stage_participants',
  'ivs_events',
]);

/** What the functions owned by stagedoor_crossing may do, with the columns where it is not all of them. */
const crossingMay = [
  'actions.DELETE, SELECT, UPDATE delivery_told+look_again_at+reason+requested_by+user_id',
  'allowances.DELETE, INSERT, SELECT, UPDATE',
  'api_keys.DELETE, SELECT, UPDATE last_used_at+parent_id',
  'audit.DELETE, INSERT, SELECT, UPDATE hash+seq',
  'audit_checkpoints.DELETE, SELECT',
  'bans.DELETE, SELECT, UPDATE created_by+expiry_told+lifted_by+reason+user_id',
  'console_issuers.DELETE, SELECT',
  'console_sessions.DELETE, SELECT',
  'console_users.DELETE, SELECT',
  'data_keys.DELETE, INSERT, SELECT',
  'deliveries.DELETE, SELECT, UPDATE',
  'erasures.DELETE, SELECT, UPDATE leased_until',
  'event_logs.DELETE, INSERT, SELECT, UPDATE',
  'events.DELETE, INSERT at+data+space_id+tenant_id+type+user_id, SELECT, UPDATE data+logged_at+position+user_id',
  'grants.DELETE, SELECT, UPDATE ivs_user_id+state+user_id',
  'holds.DELETE, SELECT, UPDATE watch_from',
  'idempotency_keys.DELETE, SELECT',
  'issuers.DELETE, SELECT',
  'ivs_calls.DELETE, INSERT, SELECT, UPDATE',
  'ivs_events.DELETE, INSERT, SELECT, UPDATE detail',
  'journal_entries.DELETE, SELECT',
  'journal_state.DELETE, INSERT, SELECT, UPDATE',
  'lock_salt.SELECT',
  'master_keys.DELETE, INSERT, SELECT, UPDATE',
  'members.DELETE, SELECT',
  'pacing.INSERT, SELECT, UPDATE',
  'place_counts.DELETE, INSERT, SELECT, UPDATE',
  'place_notes.DELETE, INSERT, SELECT, UPDATE',
  'place_sources.DELETE, INSERT, SELECT, UPDATE',
  'places.DELETE, INSERT, SELECT, UPDATE',
  'refusals.DELETE, INSERT, SELECT, UPDATE',
  'reservations.DELETE, SELECT',
  'roles.DELETE, SELECT',
  'signing_keys.DELETE, SELECT, UPDATE attempted_at+compared_at',
  'spaces.DELETE, SELECT, UPDATE attempted_at',
  'stage_looks.DELETE, INSERT, SELECT, UPDATE',
  'stage_participants.DELETE, INSERT, SELECT, UPDATE',
  'stage_sessions.DELETE, INSERT, SELECT, UPDATE',
  'tenant_ends.SELECT, UPDATE leased_until',
  'tenant_settings.DELETE, SELECT',
  'tenants.SELECT',
  'unfinished_actions.DELETE, SELECT, UPDATE attempted_at',
  'unsealed_groups.DELETE, SELECT, UPDATE vends',
  'unsealed_vends.DELETE, SELECT, UPDATE id',
  'untold_grants.DELETE, INSERT, SELECT',
  'user_notes.DELETE, SELECT, UPDATE author',
  'watchdog.INSERT, SELECT, UPDATE',
  'watches.DELETE, SELECT, UPDATE',
  'webhook_deliveries.DELETE, INSERT, SELECT, UPDATE',
  'webhooks.DELETE, SELECT, UPDATE failing_since+failures+paused_until+position+replay_position+skipped_events',
];

describe('many tenants over few connections', () => {
  test('two thousand requests of 20 tenants over 4 connections show nobody a foreign row', async () => {
    const database = new Database(
      settingsFor(stagedoor.database.serviceUrl, { DATABASE_POOL_SIZE: '4' }),
      new Reach(false),
    );
    const tenants = Array.from({ length: 20 }, (_, at) => `ten_crowd${at}`);
    for (const [at, id] of tenants.entries()) {
      await superuser.query(`insert into tenants (id, slug, name, region) values ($1, $1, $1, 'us-east-1')`, [id]);
      await superuser.query(
        `insert into roles (tenant_id, name) select $1, $1 || '-' || n from generate_series(0, $2) n`,
        [id, at % 5],
      );
    }
    let requests = 0;
    const foreign: string[] = [];
    /** Asks without a filter: what comes back is what the database lets through. */
    const ask = async (at: number): Promise<void> => {
      const id = tenants[at % tenants.length] ?? '';
      const expected = ((at % tenants.length) % 5) + 1;
      switch (at % 4) {
        case 0: // a request that fails halfway leaves nothing behind on its connection
          await database
            .inScope(systemScope(id), async (tx) => {
              await tx.role.findMany();
              throw new Error('halfway');
            })
            .catch((error: unknown) => {
              if ((error as Error).message !== 'halfway') throw error;
            });
          return;
        case 1: // one without any tenant, on a connection others used
          if ((await database.pool.query('select name from roles')).rowCount) foreign.push('without a tenant');
          return;
        default: {
          const rows = await database.inScope(systemScope(id), (tx) => tx.role.findMany());
          if (rows.length !== expected) foreign.push(`${id} saw ${rows.length} of ${expected}`);
          foreign.push(
            ...rows.filter(({ tenantId }) => tenantId !== id).map(({ tenantId }) => `${id} saw ${tenantId}`),
          );
        }
      }
    };
    /** On a busy machine nobody gets a connection for a second now and then: the client comes again, as it is told. */
    const askUntilAnswered = async (at: number): Promise<void> => {
      try {
        await ask(at);
        requests++;
      } catch (caught) {
        const error = translateDatabaseErrors(caught);
        if (!(error instanceof Problem) || error.code !== 'unavailable') throw caught;
        await askUntilAnswered(at);
      }
    };
    try {
      const workers = Array.from({ length: 12 }, async (_, worker) => {
        for (let at = 0; at < 170; at++) await askUntilAnswered(worker * 7 + at * 3 + worker);
      });
      await Promise.all(workers);
      const [{ count }] = (await rowsOf(
        `select count(*)::int from pg_stat_activity where datname = current_database() and application_name = 'stagedoor'`,
      )) as [Json];
      expect(count).toBeLessThanOrEqual(4);
    } finally {
      await database.onApplicationShutdown();
    }
    expect(requests).toBe(2040);
    expect(foreign).toEqual([]);
  }, 120_000);
});

function settingsFor(databaseUrl: string, more: Record<string, string> = {}): Settings {
  return Settings.from({
    DATABASE_URL: databaseUrl,
    STAGEDOOR_OPERATOR_TOKEN: Stagedoor.operatorToken,
    STAGEDOOR_MASTER_KEY: randomBytes(32).toString('base64'),
    AWS_REGION: 'us-east-1',
    LOG_LEVEL: 'silent',
    ...more,
  });
}

describe('the service refuses a database it must not serve from, in one clear line', () => {
  const name = (what: string) => `${what}_${randomBytes(4).toString('hex')}`;

  /** Connects as a role made for the occasion. */
  async function refusalAs(role: string, options: string): Promise<string> {
    await superuser.query(`create role ${role} login password 'test' ${options}`);
    const url = new URL(stagedoor.database.serviceUrl);
    url.username = role;
    return await refusal(url.href);
  }

  async function refusal(databaseUrl: string): Promise<string> {
    const pool = new pg.Pool({ connectionString: databaseUrl });
    // A database that is dropped next may end the connection before it has closed.
    pool.on('connect', (client) => client.on('error', () => undefined));
    pool.on('error', () => undefined);
    try {
      await assertServable(pool);
      return 'none: it serves';
    } catch (error) {
      return (error as Error).message;
    } finally {
      await pool.end();
    }
  }

  test('as a superuser: it does not even start', async () => {
    await expect(createApp(settingsFor(stagedoor.database.superuserUrl))).rejects.toThrow(
      /^DATABASE_URL connects as \w+, which can bypass row-level security\. Serve as [^\n]+$/,
    );
  });

  test('as the owner of the tables', async () => {
    expect(await refusal(stagedoor.database.ownerUrl)).toMatch(
      /^DATABASE_URL connects as stagedoor_test_owner, which owns the table \w+\. Serve as [^\n]+$/,
    );
  });

  test('as a role with BYPASSRLS, or one that can become such a role', async () => {
    const bypass = name('bypass');
    expect(await refusalAs(bypass, 'bypassrls in role stagedoor_app')).toMatch(
      /^[^\n]*can bypass row-level security[^\n]*$/,
    );
    expect(await refusalAs(name('becomes'), `in role stagedoor_app, ${bypass}`)).toMatch(
      /^[^\n]*can bypass row-level security[^\n]*$/,
    );
  });

  test('as a role that can become the owner, or the one that looks across the tenants', async () => {
    expect(await refusalAs(name('heir'), 'in role stagedoor_app, stagedoor_test_owner')).toMatch(
      /^[^\n]*owns the table[^\n]*$/,
    );
    expect(await refusalAs(name('crossing'), 'in role stagedoor_app, stagedoor_crossing')).toMatch(
      /^[^\n]*can see the rows of all tenants[^\n]*$/,
    );
  });

  test('as a role that was never let in', async () => {
    expect(await refusalAs(name('stranger'), '')).toMatch(
      /^DATABASE_URL connects as stranger_\w+, which is not a member of stagedoor_app\. [^\n]+$/,
    );
  });

  test('before it was migrated, or without the functions of this build', async () => {
    const empty = name('empty');
    await asSuperuser('postgres', (client) => client.query(`create database ${empty}`));
    const url = new URL(stagedoor.database.serviceUrl);
    url.pathname = `/${empty}`;
    const lacks = /^The database does not have the functions of this build [^\n]* node dist\/database\/migrate\.js$/;
    expect(await refusal(url.href)).toMatch(lacks);
    const behind = await createDatabase();
    await asSuperuser(behind.name, (client) => client.query(`drop schema ${functionSet.schema} cascade`));
    expect(await refusal(behind.serviceUrl)).toMatch(lacks);
    await behind.drop();
    await asSuperuser('postgres', (client) => client.query(`drop database ${empty} with (force)`));
  });

  test('and says so if there is no database', async () => {
    expect(await refusal('postgresql://nobody@localhost:1/none')).toMatch(
      /^[^\n]*database[^\n]*cannot be reached[^\n]*$/i,
    );
  });

  test('but serves from one that is right', async () => {
    expect(await refusal(stagedoor.database.serviceUrl)).toBe('none: it serves');
  });
});
