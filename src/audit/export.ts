/**
 * Exports the audit log as JSON Lines:
 *
 *   DATABASE_URL=… node dist/audit/export.js --tenant acme > acme.jsonl
 *   DATABASE_URL=… AWS_REGION=… node dist/audit/export.js --to s3://bucket/prefix
 *
 * --tenant: the slug of a tenant; without it all tenants are exported, one after the other. --after: a place in the hash chain;
 * only entries after it are exported. --to: a folder (file:///…) or a bucket (s3://…), which gets a file for each 5,000 entries;
 * without it the entries go to standard output. The entries are those that have a place in the hash chain. The exit code is 2
 * if the command fails. The same command again replaces the files that it has written.
 */
import { once } from 'node:events';
import pg from 'pg';
import { z } from 'zod';
import { type Archive, archiveAt } from '../archive/archive.ts';
import { optionsOf } from '../command-line.ts';
import { assertMigrated } from '../database/serving-role.ts';
import { type SqlArguments, sqlCall, unnamed } from '../database/sql-call.ts';
import { messageOf } from '../redaction.ts';
import { entriesOfFile, fileOf, lineRow } from './lines.ts';

const tenantRow = z.object({ id: z.string(), slug: z.string() });

/** Entries of a tenant that follow one another. */
interface Part {
  from: bigint;
  to: bigint;
  lines: string[];
}

/** Reads the entries of a tenant after a place, in the order of the chain. */
async function* partsOf(client: pg.Client, tenant: string, after: bigint): AsyncGenerator<Part> {
  // What comes while the command runs is for the next time.
  const end = await inTenant(client, tenant, () =>
    client.query<{ end: string }>('select coalesce(max(seq), 0) as end from audit where tenant_id = $1', [tenant]),
  );
  const to = BigInt(end.rows[0]?.end ?? 0);
  for (let place = after; place < to;) {
    const args = { tenant, after: String(place), to: String(to), most: entriesOfFile };
    const rows = z.array(lineRow).parse(await inTenant(client, tenant, () => call(client, 'audit_lines', args)));
    const [first, last] = [rows[0], rows.at(-1)];
    if (!first || !last) return;
    yield { from: first.seq, to: last.seq, lines: rows.map(({ line }) => line) };
    place = last.seq;
  }
}

async function call(client: pg.Client, name: string, args: SqlArguments): Promise<unknown[]> {
  return (await client.query(unnamed(sqlCall(name, args)))).rows;
}

async function inTenant<T>(client: pg.Client, tenantId: string, work: () => Promise<T>): Promise<T> {
  await client.query('begin read only');
  try {
    await client.query('set local statement_timeout = 0'); // the serving role may have a limit that is made for requests
    await client.query(`select set_config('app.tenant_id', $1, true)`, [tenantId]);
    return await work();
  } finally {
    await client.query('rollback');
  }
}

async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

interface Wanted {
  tenant: string | undefined;
  after: bigint;
  archive: Archive | undefined;
}

async function exportAll(client: pg.Client, { tenant, after, archive }: Wanted): Promise<void> {
  const all = z.array(tenantRow).parse(await call(client, 'list_tenants', {}));
  const wanted = all.filter(({ slug }) => tenant === undefined || slug === tenant);
  if (wanted.length === 0 && tenant !== undefined) throw new Error(`There is no tenant with the slug ${tenant}.`);
  for (const { id, slug } of wanted) {
    let exported = 0;
    for await (const { from, to, lines } of partsOf(client, id, after)) {
      const text = `${lines.join('\n')}\n`;
      await (archive ? archive.put(fileOf(id, from, to), text) : write(text));
      exported += lines.length;
    }
    process.stderr.write(`${slug} (${id}): ${exported} entries\n`);
  }
}

async function main(args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const values = optionsOf(args, {
    tenant: { type: 'string' },
    after: { type: 'string', default: '0' },
    to: { type: 'string' },
  });
  if (!/^\d{1,18}$/.test(values.after)) throw new Error('--after is a place in the hash chain: a whole number.');
  if (values.to !== undefined && !/^(s3:\/\/[^/]+|file:\/\/\/)/.test(values.to))
    throw new Error('--to is a folder, such as file:///var/lib/audit, or a bucket, such as s3://bucket/prefix.');
  const databaseUrl = env['DATABASE_URL'];
  if (!databaseUrl) throw new Error('DATABASE_URL is required: the database as the service connects to it.');
  const place = { region: env['AWS_REGION'] ?? 'us-east-1', endpoint: env['AUDIT_ARCHIVE_ENDPOINT'] };
  const archive = values.to === undefined ? undefined : archiveAt(values.to, place);
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await assertMigrated(client);
    await exportAll(client, { tenant: values.tenant, after: BigInt(values.after), archive });
  } finally {
    await client.end();
  }
}

if (import.meta.main) {
  try {
    await main(process.argv.slice(2), process.env);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 2;
  }
}
