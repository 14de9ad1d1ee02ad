/**
 * Verifies the audit log of every tenant:
 *
 *   DATABASE_URL=… node dist/audit/verify.js
 *
 * Prints a line for each tenant: whether its hash chain holds, or the first entry that was changed or is missing. Ends
 * with 1 if one does not hold. Connects as the service does; it needs no other setting, and no running service.
 *
 * What it cannot see is that the newest entries were removed, with nothing after them. Keep its output, or the hash of
 * each tenant's newest entry, where who can write to the database cannot.
 */
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { searchPathOption } from '../database/function-set.ts';

/** What became of one tenant's chain. */
export interface Verdict {
  tenantId: string;
  slug: string;
  /** Entries in the chain. */
  sealed: number;
  /** Entries that will get their place in the chain within a second or so, if a service is running. */
  unsealed: number;
  /** The newest entry's hash, in hexadecimal. */
  head: string | null;
  /** Where the chain does not hold, if it does not. */
  fault: { seq: string; id: string | null; problem: string } | undefined;
}

/** Looks at the tenants one after the other, each in a transaction of its own. */
export async function* verifyAudit(client: pg.Client): AsyncGenerator<Verdict> {
  const { rows: tenants } = await client.query<{ id: string; slug: string }>('select * from list_tenants()');
  for (const { id, slug } of tenants) {
    const found = await inTenant(client, id, async () => {
      const { rows: counts } = await client.query<{ sealed: number; unsealed: number; head: string | null }>(
        `select count(seq)::int as sealed, (count(*) - count(seq))::int as unsealed,
                (select encode(hash, 'hex') from audit where tenant_id = $1 and seq is not null
                  order by seq desc limit 1) as head
           from audit where tenant_id = $1`,
        [id],
      );
      const { rows: faults } = await client.query<NonNullable<Verdict['fault']>>(
        'select * from verify_audit(p_tenant => $1)',
        [id],
      );
      return { sealed: 0, unsealed: 0, head: null, ...counts[0], fault: faults[0] };
    });
    yield { tenantId: id, slug, ...found };
  }
}

/** What `verify_audit` finds and the counts beside it are of one moment: the service may be writing meanwhile. */
async function inTenant<T>(client: pg.Client, tenantId: string, work: () => Promise<T>): Promise<T> {
  await client.query('begin isolation level repeatable read read only');
  try {
    await client.query(`select set_config('app.tenant_id', $1, true)`, [tenantId]);
    return await work();
  } finally {
    await client.query('rollback');
  }
}

function lineOf({ tenantId, slug, sealed, unsealed, head, fault }: Verdict): string {
  if (fault) {
    return `${slug} (${tenantId}): BROKEN at entry ${fault.seq}: ${fault.problem}${fault.id === null ? '' : ` (${fault.id})`}`;
  }
  const waiting = unsealed > 0 ? `, ${unsealed} not sealed yet` : '';
  return `${slug} (${tenantId}): holds, ${sealed} entries${waiting}, newest ${head ?? 'none'}`;
}

async function main(databaseUrl: string | undefined): Promise<number> {
  if (!databaseUrl) throw new Error('DATABASE_URL is required: the database as the service connects to it.');
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 10_000,
    options: searchPathOption(),
  });
  await client.connect();
  let broken = 0;
  try {
    for await (const verdict of verifyAudit(client)) {
      if (verdict.fault) broken++;
      process.stdout.write(`${lineOf(verdict)}\n`);
    }
  } finally {
    await client.end();
  }
  return broken > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = await main(process.env['DATABASE_URL']);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}
