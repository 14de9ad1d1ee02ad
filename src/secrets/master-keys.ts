/**
 * Lists the master keys of a deployment, and what each has sealed:
 *
 *   DATABASE_URL=… STAGEDOOR_MASTER_KEY=… node dist/secrets/master-keys.js
 *
 * Prints a line for each key: its id, its ARN if it is in AWS KMS (KMS_ENDPOINT is as the service has it), whether it seals or is needed, and how many values in the database are sealed with it. A
 * key that is not needed can be taken out of STAGEDOOR_MASTER_KEY. It prints nothing of the keys themselves. The exit code is 2 if
 * the command fails, as when a key is missing that is needed.
 */
import pg from 'pg';
import { assertMigrated } from '../database/serving-role.ts';
import { sqlCall, unnamed } from '../database/sql-call.ts';
import { optionsOf } from '../command-line.ts';
import type { MasterKey } from '../config.ts';
import { messageOf } from '../redaction.ts';
import { idOf, masterKeysOf, nameOf } from './keyring.ts';
import { Kms } from './kms.ts';
import { knownKeys, openKeyring } from './open-keyring.ts';

/** The functions that count sealed values by their key. */
export const counts = [
  'seals_of_answers',
  'seals_of_console_issuers',
  'seals_of_issuers',
  'seals_of_signing_keys',
  'seals_of_webhooks',
];

/** A master key, and what is known of it. */
export interface KeyState {
  id: string;
  /** Of a key in AWS KMS. */
  arn?: string;
  /** seals: it is the first one. needed: it opens what it has sealed. spare: nothing is sealed with it. */
  state: 'seals' | 'needed' | 'spare';
  secrets: number;
}

/** The master keys of the setting, in its order. @throws {Error} if one is missing that is needed. */
export async function statesOf(
  client: pg.ClientBase,
  masterKeys: readonly MasterKey[],
  kms?: Kms,
): Promise<KeyState[]> {
  const keyring = await openKeyring(client, masterKeys, false, kms);
  const known = new Set((await knownKeys(client)).map(({ id }) => id));
  const sealed = new Map<string, number>();
  for (const name of counts) {
    // oxlint-disable-next-line no-await-in-loop -- one connection
    const { rows } = await client.query<{ seal: string; secrets: string }>(unnamed(sqlCall(name, {})));
    for (const { seal, secrets } of rows) sealed.set(seal, (sealed.get(seal) ?? 0) + Number(secrets));
  }
  return masterKeys.map((key) => {
    const id = idOf(key);
    return {
      id,
      ...(typeof key === 'string' && { arn: key }),
      state: id === keyring.current ? 'seals' : known.has(id) ? 'needed' : 'spare',
      secrets: sealed.get(keyring.sealOf(id)) ?? 0,
    };
  });
}

const told = {
  seals: 'seals',
  needed: 'needed',
  spare: 'not needed: it can be taken out of STAGEDOOR_MASTER_KEY, or put first to seal with it',
};

async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const [databaseUrl, masterKey] = [env['DATABASE_URL'], env['STAGEDOOR_MASTER_KEY']];
  if (!databaseUrl) throw new Error('DATABASE_URL is required: the database as the service connects to it.');
  if (!masterKey) throw new Error('STAGEDOOR_MASTER_KEY is required: the master key or keys of the service.');
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await assertMigrated(client);
    const states = await statesOf(client, masterKeysOf(masterKey), new Kms(env['KMS_ENDPOINT']));
    for (const { id, arn, state, secrets } of states)
      process.stdout.write(`${nameOf({ id, arn })}: ${secrets} sealed, ${told[state]}\n`);
  } finally {
    await client.end();
  }
}

if (import.meta.main) {
  try {
    optionsOf(process.argv.slice(2), {});
    await main(process.env);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 2;
  }
}
