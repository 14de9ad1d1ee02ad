/** Migrations: applied once and in order, recorded as Prisma does, and in step with prisma/schema.prisma. */
import { createHash, randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { migrationsFolder } from '../src/database/function-set.ts';
import { migrate } from '../src/database/migrate.ts';
import { asSuperuser, createDatabase, type TestDatabase } from './support/database.ts';
import { until } from './support/until.ts';

const names = readdirSync(migrationsFolder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();

let migrated: TestDatabase;
const made: string[] = [];
const folders: string[] = [];

beforeAll(async () => {
  migrated = await createDatabase();
});

afterAll(async () => {
  await migrated.drop();
  for (const name of made)
    await asSuperuser('postgres', (client) => client.query(`drop database ${name} with (force)`));
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** The owner's way to a database with nothing in it. */
async function emptyDatabase(): Promise<string> {
  const name = `empty_${randomUUID().replaceAll('-', '')}`;
  await asSuperuser('postgres', (client) => client.query(`create database ${name} owner stagedoor_test_owner`));
  made.push(name);
  const url = new URL(migrated.ownerUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function ask<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The migrations, with more of them or with one that differs. */
function migrationsWith(files: Record<string, string>): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-migrations-'));
  folders.push(folder);
  cpSync(migrationsFolder, folder, { recursive: true });
  for (const [name, sql] of Object.entries(files)) {
    mkdirSync(path.join(folder, name), { recursive: true });
    writeFileSync(path.join(folder, name, 'migration.sql'), sql);
  }
  return folder;
}

/** Migrations are frozen: a database that has one is never told of a change to it. Add a new one instead. */
const frozen: Record<string, string> = {
  '0001_tenancy_and_vending': '5efda64075207d5594cf552b24404efcb03eecf838117b4569e159c973486d6b',
  '0002_moderation': '2172406e8c65dd37136cc6381ce2be7f9a65fad334346ff69070eeb6b7447d5f',
  '0003_age_of_deliveries': '62355920a88a967a247c3909dcd106bc28afe2b89b6a4fce710ebf527b78f337',
  '0004_lock_keys': 'af489ba09ff2249e155676a0ea56805d5084f122c76f5eab5140293f60d91295',
  '0005_api_key_parents': '67843cac7034780b7b1fed18e415b90f67df13a0f0dc025b2ed2c59ee68eb786',
  '0006_calls_without_answer': '06c1a2697875e03fb28e917316583d7608cf08d0754f8769838124ebb48f977b',
  '0007_looks_that_go_on': '9212ee3133c9a1ed1f04d606d2aa04dd490a983aa00be68b001a9b0922e2b64f',
  '0008_ranks_and_order': 'c3584aff54394cdf4e0372b5f12255e24db759047ad028042ce3233a2b4bb85d',
  '0009_issuer_versions': '63dba8065c60b3f070931a586361c6a02039199d564ff79c9e0167cbc3f8ca18',
  '0010_returning_participants': 'c8764b85c683aeef5490f0b1a4618cef9681548fd305802d15a631f2c0444d55',
  '0011_attempts': '00652f3517cbe515894402073771de3f611906628d95c94b8371a802b06346a6',
  '0012_former_arns': '9aaf8abcd0b35eb030716a68ef05bf71e0394dc309cb193057c5ab61b6ff05ca',
  '0013_removed_keys': 'fb6b79662d1f66af985f0490251995f22a3037336faa822a41f656fcd7cacfb3',
  '0014_quotas': 'fc415ee07628e9028aaedf4bfde8f0d48e8d3c5050ed084bf7263c7fd3ddbb84',
  '0015_api_key_bounds': '361e435805d1bd12bd244795446f112ac9e6080f73384a416012066547279a55',
  '0016_idempotent_attempts': '68712c04fff4b679d866d2a3992aaa4fa9eeaf30bcd04a5c331a969eaefbdb51',
  '0017_narrower_rights': 'd408806a0d29dbe38639cc5568647649b4d6593e6136971d3cb8f6315a8e5107',
  '0018_acts_of_caller': 'e47eb5cb30a3d6c1c223c2ba46466923bbaec421bc0bcc7a35a1e0e623fe53f3',
  '0019_pages_of_deliveries': 'eb43ddebdbc70a0f425fa06a5b1d933f6a9cfd3c9657bdb491b755ead1914e31',
  '0020_lists': 'dc1bb2647559d9f91a27195a9cd3f5901120d17c8b9157b12e1eecfbdc25e98b',
  '0021_role_claims': '54c0edc438219e1fc30a0b9a4344a07471aa91a6d3619c780cf6834456ac990b',
  '0022_calls_that_land': 'f7f2eca24963f0181f028d637b3daefd0104e194430232386d2956c8b6704773',
  '0023_issuer_candidates': 'c5b74abae9656cd711887676a6a17d7b547105e21b1cb2887696f192fcc55858',
  '0024_issuer_keys': '4f4474f0c0e68d6eb713d825f52bfaea1151fb534ce16ec0dfd43e193ed26244',
  '0025_events': 'c6390c0ad607f0b5181e4ede73a4579ad930e82b86ba8b3d4671fe5a06a36dbf',
  '0026_unsealed_vends': '515bc8795a964008b5a2a6101a63a4f6d0ea6dbf97e0d2f4e1e25b9627972d75',
  '0027_places': '0872adef392b8e834bb4f6be71d1f4ad5447126b8ba4f852b72ea9567f7815a7',
  '0028_announcements': '11f6c9e0a2d3caa865c2a9f5c20dfe7519d3d0c248cf029dac00b0b1333714ae',
  '0029_webhooks': '6c4e94b53963a07ae4ba78a36309b037d614bea08e0bfa5a180cfd94eed2f5c2',
  '0030_sessions': '31105a47029f154167ec3f59987b5bb41d60b76107117a82fcc3e0b1b01a2cdd',
  '0031_ivs_events': 'f93d000a2c684d5b944ec53d8feab21b0e8b59d7a4a691e7820eaf3bfb8cda73',
  '0032_fewer_indexes': '8046b930a80e20134d7b00f6a47e0e8b2bf6992cb4201b40e3f3dc28f28a5876',
  '0033_console_sessions': '3e2a1afbd307238852dd5c26b37c006df9e6aa8909bed0406819fa6b6b84c7d8',
  '0034_issued_grants': 'ca704ecdc91fd4d82e5a2705515f8643a36afcf9f9af2c8c8fdfef2c8cb906df',
  '0035_unsealed_groups': '03c1112d5805bb150afc753566a27518da5dc6a098528be8bf52be61f4055292',
  '0036_console_users': '9ef6449c642f44a4195b1a0749a12581e47d491b0b3747e1d308f53d47ec4c11',
  '0037_limits': 'e2f0cbbaad3ea4b90290ff293750bb2d59f4c9e861da9302dc13f007267f4996',
  '0038_tenant_settings': '272b99033f0328b688f53a4d61175e7f7af9eb19aee58e9c96cde5580e09d3c9',
  '0039_retention': '0955ea30853bfa3843c9418b5d98af814614e713baf5263d1bbdfe9a42020d3f',
  '0041_user_notes': '80cb63db0fe66adac14ccbbd1d3e2066a2de4e22d1f2e7f48b563dae83649d82',
  '0042_ivs_calls': '1618d405975132bbdedbe16298fff13259a5922f89087e5dd157eb53f99799cb',
  '0043_erasure': '0ef8de50b61694da3d1a0bf1d404d535d53f0dcfbbf4f255617338f8ca81093c',
  '0047_refusals': 'c4048b88863b9a1ef23e3908ad13cebe014ded36901662ab552ea72ad8fc0995',
  '0048_data_keys': '79864d5d00784585dad45734f7c5f69461aeecfa3ebdf9dbcd097565e282eafa',
  '0045_journal': 'dbc9163e88b05d2c53a008bd66fe4c2b67a301b4bc598fea177bd1c49c59e529',
  '0046_master_keys': '734d4193c7f803d8383b86e0a8acf075b0557e5368ae609f23ddcbc20239aaab',
  '0040_audit_checkpoints': '10ff34dae11190f092bcc17177ec63cfe1db94a63334c18f7e1aa521b33fb589',
  '0049_bans_by_end': '0d498a3eed09ed068fcc4ff8162881cd4ed6151efa176c2d43e8846f8f6372b7',
  '0050_recent_acts': '76ccd1dbf2b6d4ee3d8c4f45bcb270ea17497bac53b6fbf0b237ad6e9ab65d7d',
  '0051_compared_keys': '2fcee379cc594a9909021be9291bec3d8dfe862a554a5752479cfea6668e0ad2',
  '0052_one_live_token': 'a63b43d4d0aa9b9f73afe576fe69e805ffe7107dd9b857d5a94168f56defaab4',
  '0053_rows_that_end': '636da5b752bcd24cf9f81e54e76d9fd8fbfaadf6aa019f5a6b20c9559bbe65a6',
  '0055_watchdog': '107bd3a1895658ad64f894e6e6e1cf661f807817fa89f6dc7c9db5d69f437cd8',
  '0056_freezings': '1e26bf4eab1b634bfccac79767a48da378a9a42fa7fb8aaee520ef9eb8b31a4c',
  '0057_bans_counted': 'a163df0f3ff8548e2974d4118f981d13a2aebf1549967eb864cb264fa1d7087e',
  '0058_what_was_deployed': '080231f64ebb67e835b2e6661b0f5506a8876cfafaee546ce456653a47d18de6',
  '0059_how_many_bans': '6f9042bcc6b29d5c5e21d527574907773bffda6bddd588c281cbf2135d7fad4b',
  '0061_calls_by_target': '20bb37ef5799b064d1241c46402057682d06a219d17c3e400fd5e1142f611bfa',
};

test('no migration was changed since it was frozen', () => {
  const checksums = names.map((name) => {
    const sql = readFileSync(path.join(migrationsFolder, name, 'migration.sql'));
    return [name, createHash('sha256').update(sql).digest('hex')];
  });
  expect(Object.fromEntries(checksums)).toMatchObject(frozen);
});

test('the migrations make tables, indexes, policies and roles, and no function', () => {
  for (const name of names) {
    const sql = readFileSync(path.join(migrationsFolder, name, 'migration.sql'), 'utf8');
    expect(sql).not.toMatch(/create (or replace )?(function|procedure|trigger)/i);
  }
});

test('several replicas that migrate at once take turns: each migration is applied once', async () => {
  const url = await emptyDatabase();
  const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(url)));
  expect(applied.flatMap(({ migrations }) => migrations)).toEqual(names);
  expect(applied.filter(({ functions }) => functions !== undefined)).toHaveLength(1);
  expect(await migrate(url)).toEqual({ migrations: [], functions: undefined });
});

test('what was applied is recorded as Prisma’s own command records it', async () => {
  const columns = await ask(
    migrated.ownerUrl,
    `select column_name as name, data_type as type, character_maximum_length as length, is_nullable as nullable, column_default as default
       from information_schema.columns where table_name = '_prisma_migrations' order by ordinal_position`,
  );
  // From the source of Prisma's migration engine for Postgres.
  expect(columns).toEqual([
    { name: 'id', type: 'character varying', length: 36, nullable: 'NO', default: null },
    { name: 'checksum', type: 'character varying', length: 64, nullable: 'NO', default: null },
    { name: 'finished_at', type: 'timestamp with time zone', length: null, nullable: 'YES', default: null },
    { name: 'migration_name', type: 'character varying', length: 255, nullable: 'NO', default: null },
    { name: 'logs', type: 'text', length: null, nullable: 'YES', default: null },
    { name: 'rolled_back_at', type: 'timestamp with time zone', length: null, nullable: 'YES', default: null },
    { name: 'started_at', type: 'timestamp with time zone', length: null, nullable: 'NO', default: 'now()' },
    { name: 'applied_steps_count', type: 'integer', length: null, nullable: 'NO', default: '0' },
  ]);
  const rows = await ask(
    migrated.ownerUrl,
    `select migration_name, checksum, finished_at >= started_at as finished, rolled_back_at, logs, applied_steps_count
       from _prisma_migrations order by migration_name`,
  );
  expect(rows).toEqual(
    names.map((name) => ({
      migration_name: name,
      checksum: createHash('sha256')
        .update(readFileSync(path.join(migrationsFolder, name, 'migration.sql')))
        .digest('hex'),
      finished: true,
      rolled_back_at: null,
      logs: null,
      applied_steps_count: 1,
    })),
  );
});

test('a migration that was changed after it was applied is refused by name', async () => {
  const folder = migrationsWith({ [names[0] ?? '']: 'select 1;' });
  await expect(migrate(migrated.ownerUrl, folder)).rejects.toThrow(
    `migration ${names[0]} was changed after it was applied`,
  );
});

test('a migration that fails leaves nothing of itself, is named, and stops what comes after until it is mended', async () => {
  const url = await emptyDatabase();
  const broken = migrationsWith({
    '9998_broken': 'create table half (id text);\ninsert into nowhere values (1);',
    '9999_after': 'create table later (id text);',
  });
  await expect(migrate(url, broken)).rejects.toThrow(/^migration 9998_broken failed: .*nowhere/);
  expect(await ask(url, `select to_regclass('half') as half, to_regclass('later') as later`)).toEqual([
    { half: null, later: null },
  ]);
  expect(
    await ask(
      url,
      `select migration_name, logs like '%nowhere%' as told from _prisma_migrations where finished_at is null`,
    ),
  ).toEqual([{ migration_name: '9998_broken', told: true }]);

  const mended = migrationsWith({ '9998_broken': 'create table half (id text);' });
  await expect(migrate(url, mended)).rejects.toThrow(/^migration 9998_broken failed before: .*prisma migrate resolve/);
  // As `prisma migrate resolve --rolled-back 9998_broken` does it.
  await ask(url, `update _prisma_migrations set rolled_back_at = now() where migration_name = '9998_broken'`);
  expect((await migrate(url, mended)).migrations).toEqual(['9998_broken']);
});

test('a migration that Postgres ends because of a deadlock with a transaction of a replica is tried again', async () => {
  const url = await emptyDatabase();
  await migrate(
    url,
    migrationsWith({ '9998_tables': 'create table first (id text);\ncreate table second (id text);' }),
  );
  const [replica, gate] = [new pg.Client(url), new pg.Client(url)];
  await Promise.all([replica.connect(), gate.connect()]);
  const waits = async (part: string, since = '0 s') => {
    const waiting = `select from pg_locks join pg_stat_activity using (pid) where not granted and query like $1 and waitstart < now() - $2::interval`;
    return (await gate.query(waiting, [`%${part}%`, since])).rowCount === 1;
  };
  try {
    await gate.query('select pg_advisory_lock(42)');
    const both = 'lock table second in share mode;\nselect pg_advisory_xact_lock(42);\nlock table first in share mode;';
    const folder = migrationsWith({
      '9998_tables': 'create table first (id text);\ncreate table second (id text);',
      '9999_both': both,
    });
    await replica.query(`begin; insert into first values ('a')`);
    const migrating = migrate(url, folder);
    await until(() => waits('lock table second'), 'the migration has the lock of one table');
    const inserting = replica.query(`insert into second values ('a'); commit`);
    // It has looked for a deadlock in vain, so the migration is the one that finds it, and is ended.
    await until(() => waits('insert into second', '1.5 s'), 'the replica waits for longer than deadlock_timeout');
    await gate.query('select pg_advisory_unlock(42)');
    await inserting;
    expect((await migrating).migrations).toEqual(['9999_both']);
  } finally {
    await Promise.all([replica.end(), gate.end()]);
  }
});

describe('prisma/schema.prisma says what the migrations made', () => {
  interface Column {
    type: string;
    required: boolean;
    default: boolean;
  }

  /** Prisma's types as Postgres calls them. */
  const types: Record<string, string> = {
    String: 'text',
    'String @db.Uuid': 'uuid',
    Int: 'integer',
    'Int @db.SmallInt': 'smallint',
    BigInt: 'bigint',
    Boolean: 'boolean',
    Float: 'double precision',
    Json: 'jsonb',
    Bytes: 'bytea',
    'DateTime @db.Timestamptz(3)': 'timestamp(3) with time zone',
    'DateTime @db.Timestamptz(6)': 'timestamp with time zone',
  };

  interface Table {
    columns: Record<string, Column>;
    keys: string[];
  }

  function parse(): Record<string, Table> {
    const text = readFileSync(path.resolve(migrationsFolder, '../schema.prisma'), 'utf8');
    const models = text.split(/^model \w+ \{$/m).slice(1);
    return Object.fromEntries(models.map((model) => tableOf(model.split(/^\}$/m)[0] ?? '')));
  }

  function tableOf(model: string): [string, Table] {
    const lines = model.split('\n').map((line) => line.replace(/\/\/.*$/, '').trim());
    const columns: Record<string, Column> = {};
    const columnOfField: Record<string, string> = {};
    const keys: string[] = [];
    for (const line of lines) {
      const [, field, base, mark, rest = ''] = /^(\w+)\s+(\w+)(\?|\[\])?(.*)$/.exec(line) ?? [];
      if (field === undefined || base === undefined) continue;
      const column = /@map\("(\w+)"\)/.exec(rest)?.[1] ?? field;
      const native = /@db\.\w+(?:\(\d+\))?/.exec(rest)?.[0];
      const type = types[native === undefined ? base : `${base} ${native}`] ?? `unknown: ${base} ${native}`;
      columnOfField[field] = column;
      columns[column] = {
        type: mark === '[]' ? `${type}[]` : type,
        required: mark !== '?',
        default: rest.includes('@default('),
      };
      if (/@id\b/.test(rest)) keys.push(`primary ${column}`);
      if (/@unique\b/.test(rest)) keys.push(`unique ${column}`);
    }
    for (const [, kind, fields = ''] of model.matchAll(/^\s*@@(id|unique)\(\[([^\]]+)\]/gm)) {
      const names = fields.split(',').map((field) => columnOfField[field.trim()] ?? `unknown: ${field}`);
      keys.push(`${kind === 'id' ? 'primary' : 'unique'} ${names.join(', ')}`);
    }
    return [/@@map\("(\w+)"\)/.exec(model)?.[1] ?? 'unmapped', { columns, keys: keys.sort() }];
  }

  async function inDatabase(): Promise<Record<string, Table>> {
    const columns = await ask<{ table: string; name: string } & Column>(
      migrated.ownerUrl,
      `select c.relname as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
              a.attnotnull as required, a.atthasdef or a.attidentity <> '' as default
         from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> '_prisma_migrations'`,
    );
    const keys = await ask<{ table: string; key: string }>(
      migrated.ownerUrl,
      `select conrelid::regclass::text as table, case contype when 'p' then 'primary ' else 'unique ' end ||
              (select string_agg(attname, ', ' order by i) from unnest(conkey) with ordinality k (n, i)
                 join pg_attribute on attrelid = conrelid and attnum = n) as key
         from pg_constraint where contype in ('p', 'u') and connamespace = 'public'::regnamespace`,
    );
    const tables: Record<string, Table> = {};
    for (const { table, name, ...column } of columns)
      (tables[table] ??= { columns: {}, keys: [] }).columns[name] = column;
    for (const { table, key } of keys) tables[table]?.keys.push(key);
    for (const table of Object.values(tables)) table.keys.sort();
    return tables;
  }

  test('the same tables, columns, types, nulls, defaults and keys', async () => {
    const [said, found] = [parse(), await inDatabase()];
    expect(Object.keys(said).length).toBeGreaterThan(12);
    expect(said).toEqual(found);
  });
});
