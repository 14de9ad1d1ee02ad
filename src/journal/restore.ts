/**
 * Replays the journal after a restore from a backup, so that nobody comes back: bans, lifted bans, revocations of grants and API
 * keys, and deletions of signing keys, issuers and people of the console that came after the backup.
 *
 *   DATABASE_URL=… STAGEDOOR_MASTER_KEY=… JOURNAL_URL=… node dist/journal/restore.js
 *
 * JOURNAL_ENDPOINT, AWS_REGION and KMS_ENDPOINT are as the service has them. The database is migrated before. Replicas may run: they serve
 * nothing until the journal is replayed. Each part is replayed in a transaction, so after a crash the same command goes on where it was.
 * It prints a line for each part. The exit code is 2 if the command fails.
 *
 * --give-up: the database has no journal any more, and forgets what is not stored yet. Then unset JOURNAL_URL.
 */
import type { KeyObject } from 'node:crypto';
import pg from 'pg';
import { z } from 'zod';
import { type Archive, archiveAt } from '../archive/archive.ts';
import { optionsOf } from '../command-line.ts';
import { assertMigrated } from '../database/serving-role.ts';
import { type SqlArguments, sqlCall, unnamed } from '../database/sql-call.ts';
import { newId } from '../ids.ts';
import { limits } from '../limits.ts';
import { messageOf } from '../redaction.ts';
import { journalKeyOf } from '../secrets/journal-key.ts';
import { masterKeysOf } from '../secrets/keyring.ts';
import { openKeyring } from '../secrets/open-keyring.ts';
import { Kms } from '../secrets/kms.ts';
import { type JournalPart, nameOf, positionOf, read } from './journal-parts.ts';

const outcome = z.enum(['replayed', 'known', 'unknown tenant']);

/** What became of the entries of a part. */
export interface Replayed {
  position: bigint;
  /** Number of entries by what was done. */
  counts: Record<z.output<typeof outcome>, number>;
}

/**
 * Replays the parts of a journal that the database does not know, in their order.
 * @throws {Error} if the journal is that of another database, a part is missing, or one is not as it was written.
 */
export async function* replay(client: pg.Client, archive: Archive, key: KeyObject): AsyncGenerator<Replayed> {
  let state = await stateOf(client);
  for (;;) {
    const position = (state?.position ?? 0n) + 1n;
    const name = await archive.nextName(nameOf(position - 1n));
    if (name === undefined) return;
    if (positionOf(name) !== position)
      throw new Error(
        `Part ${position} of the journal is missing: ${name} is the next one. The backup is older than what is kept of the journal.`,
      );
    const part = read((await archive.read(name)) ?? '', position, key);
    if (state && state.journal !== part.journal)
      throw new Error(`The database has the journal ${state.journal}, and JOURNAL_URL is the journal ${part.journal}.`);
    if (!state) await call(client, 'begin_journal', { journal: part.journal });
    yield { position, counts: await replayPart(client, part) };
    state = { journal: part.journal, position };
  }
}

async function replayPart(client: pg.Client, part: JournalPart): Promise<Replayed['counts']> {
  const counts = { replayed: 0, known: 0, 'unknown tenant': 0 };
  await client.query('begin');
  try {
    await client.query('set local statement_timeout = 0'); // the serving role may have a limit that is made for requests
    for (const entry of part.entries) {
      const args = { entry, auditEntry: newId('aud'), action: newId('act'), limits };
      // oxlint-disable-next-line no-await-in-loop -- in their order
      counts[outcome.parse(await call(client, 'replay_entry', args))] += 1;
    }
    const entries = part.entries.map(({ id }) => id);
    const noted = { journal: part.journal, position: String(part.position), entries, isReplayed: true };
    if ((await call(client, 'note_journal_part', noted)) !== true)
      throw new Error('Another command replays the journal. Let it end, and run this one again.');
    await client.query('commit');
    return counts;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

async function stateOf(client: pg.Client): Promise<{ journal: string; position: bigint } | undefined> {
  const { rows } = await client.query<{ journal: string; position: string }>(
    'select journal, position from journal_state',
  );
  return rows[0] && { journal: rows[0].journal, position: BigInt(rows[0].position) };
}

async function call(client: pg.Client, name: string, args: SqlArguments): Promise<unknown> {
  const { rows } = await client.query<{ result: unknown }>(unnamed(sqlCall(name, args)));
  return rows[0]?.result;
}

async function main(args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const options = optionsOf(args, { 'give-up': { type: 'boolean', default: false } });
  const required = (name: string, what: string) => {
    const value = env[name];
    if (!value) throw new Error(`${name} is required: ${what}`);
    return value;
  };
  const client = new pg.Client({
    connectionString: required('DATABASE_URL', 'the database as the service connects to it.'),
    connectionTimeoutMillis: 10_000,
  });
  await client.connect();
  try {
    await assertMigrated(client);
    if (options['give-up']) {
      await call(client, 'end_journal', {});
      process.stderr.write('The database has no journal any more. Unset JOURNAL_URL before the replicas start.\n');
      return;
    }
    const place = { region: env['AWS_REGION'] ?? 'us-east-1', endpoint: env['JOURNAL_ENDPOINT'] };
    const archive = archiveAt(required('JOURNAL_URL', 'the folder or bucket of the journal.'), place);
    const masterKey = required('STAGEDOOR_MASTER_KEY', 'the master key or keys of the service.');
    const kms = new Kms(env['KMS_ENDPOINT']);
    const key = journalKeyOf((await openKeyring(client, masterKeysOf(masterKey), false, kms)).root);
    let parts = 0;
    for await (const { position, counts } of replay(client, archive, key)) {
      parts += 1;
      const told = Object.entries(counts).filter(([, count]) => count > 0);
      process.stdout.write(`part ${position}: ${told.map(([what, count]) => `${count} ${what}`).join(', ')}\n`);
    }
    process.stdout.write(`The database is as new as its journal. Parts replayed: ${parts}\n`);
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
