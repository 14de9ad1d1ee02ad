/**
 * Verifies the audit log of every tenant:
 *
 *   DATABASE_URL=… STAGEDOOR_MASTER_KEY=… node dist/audit/verify.js
 *
 * Prints one line for each tenant: that its hash chain holds, or the first entry that was changed or is missing. A chain whose
 * old entries were deleted begins with a cut that the service has signed. The exit code is 1 if a chain does not hold, and 2
 * if the command fails. It needs no other setting and no running service. Without STAGEDOOR_MASTER_KEY it does not check who
 * signed the checkpoints, and says so.
 *
 * It cannot notice that the entries after the newest checkpoint were removed, nor that a chain and its checkpoints were
 * removed as a whole. Store its output, or the checkpoints, in a place that nobody with write access to the database can change.
 */
import pg from 'pg';
import { optionsOf } from '../command-line.ts';
import { messageOf } from '../redaction.ts';
import { auditKeyOf, publicHalf } from '../secrets/audit-key.ts';
import { masterKeysOf } from '../secrets/keyring.ts';
import { openKeyring } from '../secrets/open-keyring.ts';
import { Kms } from '../secrets/kms.ts';
import { assertMigrated } from '../database/serving-role.ts';
import { sqlCall, unnamed } from '../database/sql-call.ts';
import { type Checkpoint, isSignedBy } from './checkpoint.ts';

/** The result for the chain of one tenant. */
export interface Verdict {
  tenantId: string;
  slug: string;
  /** Number of entries in the chain. */
  sealed: number;
  /** Number of entries that are not in the chain yet. A running service adds them within about a second. */
  unsealed: number;
  /** Hash of the newest entry in the chain, in hexadecimal; null if the chain is empty. */
  head: string | null;
  /** The place to which the service has deleted the entries; null: none is deleted. */
  cut: string | null;
  /** The first place where the chain is broken; undefined if it holds. */
  fault: { seq: string; id: string | null; problem: string } | undefined;
}

/**
 * Verifies the chains of all tenants, one after the other, each in a transaction of its own.
 * @param key the public key of the checkpoints (`publicHalf`). Without it their signatures are not checked.
 */
export async function* verifyAudit(client: pg.Client, key?: string): AsyncGenerator<Verdict> {
  const { rows: tenants } = await client.query<{ id: string; slug: string }>(unnamed(sqlCall('list_tenants', {})));
  for (const { id, slug } of tenants) {
    const found = await inTenant(client, id, async () => {
      const { rows: counts } = await client.query<Pick<Verdict, 'sealed' | 'unsealed' | 'head' | 'cut'>>(
        `select count(seq)::int as sealed,
                (count(*) - count(seq) + (select count(*) from unsealed_vends where tenant_id = $1)
                  + (select coalesce(sum(jsonb_array_length(vends)), 0) from unsealed_groups where tenant_id = $1))::int as unsealed,
                (select encode(hash, 'hex') from audit where tenant_id = $1 and seq is not null
                  order by seq desc limit 1) as head,
                (select max(seq) from audit_checkpoints where tenant_id = $1 and is_cut
                    and seq < (select min(seq) from audit where tenant_id = $1)) as cut
           from audit where tenant_id = $1`,
        [id],
      );
      const { rows: faults } = await client.query<NonNullable<Verdict['fault']>>(
        unnamed(sqlCall('verify_audit', { tenant: id })),
      );
      const fault = faults[0] ?? (key === undefined ? undefined : await forgedIn(client, id, key));
      return { sealed: 0, unsealed: 0, head: null, cut: null, ...counts[0], fault };
    });
    yield { tenantId: id, slug, ...found };
  }
}

/** The first checkpoint of a tenant that this deployment has not signed. */
async function forgedIn(client: pg.Client, tenantId: string, key: string): Promise<Verdict['fault']> {
  const { rows } = await client.query<Omit<Checkpoint, 'seq'> & { seq: string }>(
    `select tenant_id as "tenantId", case when is_cut then 'cut' else 'head' end as kind, seq, hash, at, key, signature
       from audit_checkpoints where tenant_id = $1 order by seq, is_cut desc`,
    [tenantId],
  );
  const forged = rows.find((row) => !isSignedBy({ ...row, seq: BigInt(row.seq) }, key));
  return (
    forged && { seq: forged.seq, id: null, problem: `the ${forged.kind} is not signed with the key of this deployment` }
  );
}

/** Runs `work` on one snapshot of the database, so that counts and faults agree while the service writes. */
async function inTenant<T>(client: pg.Client, tenantId: string, work: () => Promise<T>): Promise<T> {
  await client.query('begin isolation level repeatable read read only');
  try {
    await client.query('set local statement_timeout = 0'); // the serving role may have a limit that is made for requests
    await client.query(`select set_config('app.tenant_id', $1, true)`, [tenantId]);
    return await work();
  } finally {
    await client.query('rollback');
  }
}

function lineOf({ tenantId, slug, sealed, unsealed, head, cut, fault }: Verdict): string {
  if (fault) {
    return `${slug} (${tenantId}): BROKEN at entry ${fault.seq}: ${fault.problem}${fault.id === null ? '' : ` (${fault.id})`}`;
  }
  const waiting = unsealed > 0 ? `, ${unsealed} not sealed yet` : '';
  const after = cut === null ? '' : ` after ${cut} that were deleted`;
  return `${slug} (${tenantId}): holds, ${sealed} entries${after}${waiting}, newest ${head ?? 'none'}`;
}

async function main({
  DATABASE_URL: databaseUrl,
  STAGEDOOR_MASTER_KEY: masterKey,
  KMS_ENDPOINT: kmsEndpoint,
}: NodeJS.ProcessEnv): Promise<number> {
  if (!databaseUrl) throw new Error('DATABASE_URL is required: the database as the service connects to it.');
  if (!masterKey) process.stderr.write('STAGEDOOR_MASTER_KEY is not set: who signed the checkpoints is not checked.\n');
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 });
  await client.connect();
  let broken = 0;
  try {
    await assertMigrated(client);
    const kms = new Kms(kmsEndpoint);
    const root = masterKey ? (await openKeyring(client, masterKeysOf(masterKey), false, kms)).root : undefined;
    const key = root && publicHalf(auditKeyOf(root));
    for await (const verdict of verifyAudit(client, key)) {
      if (verdict.fault) broken++;
      process.stdout.write(`${lineOf(verdict)}\n`);
    }
  } finally {
    await client.end();
  }
  return broken > 0 ? 1 : 0;
}

if (import.meta.main) {
  try {
    optionsOf(process.argv.slice(2), {});
    process.exitCode = await main(process.env);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 2;
  }
}
