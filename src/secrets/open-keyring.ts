/** Opens the master keys of a database: which it needs, which are given, and with which it began. */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { z } from 'zod';
import type { MasterKey } from '../config.ts';
import { parseValue, type ResultRow, type SqlArguments, sqlCall, unnamed } from '../database/sql-call.ts';
import { dataKeyOf, type DataKeyStore, deployment } from './data-keys.ts';
import { type GivenKey, idOf, Keyring, nameOf, rootPlace, withoutKms } from './keyring.ts';
import { Kms } from './kms.ts';
import { binding, openWith, sealWith } from './sealed-values.ts';

/** Where a database of a build before this one may have a value that its master key has sealed. */
const samples = [
  { values: 'sealed_signing_keys', column: 'signing_keys.private_key' },
  { values: 'sealed_issuers', column: 'issuers.secret' },
  { values: 'sealed_webhooks', column: 'webhooks.secret' },
  { values: 'sealed_console_issuers', column: 'console_issuers.client_secret' },
];

/** A row of `master_keys`. */
export interface KnownKey {
  id: string;
  began: boolean;
  root: Buffer;
  /** ARN of a key in AWS KMS. */
  kms_key: string | null;
  first_used_at: Date;
  used_at: Date;
}

/**
 * The keyring of a database.
 * @param isServing whether this process seals from now on. Then the database notes the first key.
 * @param kms for keys that are in AWS KMS.
 * @throws {Error} with a message of one line, if a master key is missing that secrets may be sealed with, or cannot be used.
 */
export async function openKeyring(
  client: pg.ClientBase,
  all: readonly MasterKey[],
  isServing: boolean,
  kms = new Kms(undefined),
): Promise<Keyring> {
  let known = await knownKeys(client);
  const [first, ...others] = all;
  if (first === undefined) throw new Error('STAGEDOOR_MASTER_KEY is required.');
  if (known.length === 0) {
    if (!isServing) return unusedKeyring(first);
    if (others.length > 0)
      throw new Error(
        'STAGEDOOR_MASTER_KEY names several keys, and the database does not know yet with which one it began. Start the service once with that key alone.',
      );
    await begin(client, first, kms);
    known = await knownKeys(client);
  }
  const missing = known.filter(({ id }) => !all.some((key) => idOf(key) === id));
  if (missing.length > 0)
    throw new Error(
      `STAGEDOOR_MASTER_KEY lacks the key ${missing.map(({ id, kms_key: arn }) => nameOf({ id, arn })).join(' and the key ')}, with which secrets in the database are sealed. It has ${all.map(idOf).join(', ')}. Add the missing key behind the others, with a comma between (docs/operations/rotate.md).`,
    );
  const given: GivenKey[] = [];
  // oxlint-disable-next-line no-await-in-loop -- one connection
  for (const key of all) given.push(await givenKey(client, key, isServing, kms));
  const [holder] = known;
  const opener = given.find(({ id }) => id === holder?.id);
  if (!holder || !opener?.sealing) throw new Error('The database returned no master key.');
  const keyring = new Keyring(
    openWith(opener.sealing, holder.root, rootPlace),
    given,
    known.find(({ began }) => began)?.id,
  );
  if (isServing) await call(client, 'use_master_key', keyring.use);
  return keyring;
}

/** The master keys that secrets in the database may be sealed with. */
export async function knownKeys(client: pg.ClientBase): Promise<KnownKey[]> {
  return (await client.query<KnownKey>(unnamed(sqlCall('list_master_keys', {})))).rows;
}

/** Notes the key with which a database begins. */
async function begin(client: pg.ClientBase, first: MasterKey, kms: Kms): Promise<void> {
  if (typeof first !== 'string') {
    const fresh = Keyring.of([first]);
    await assertOpens(client, fresh);
    await call(client, 'use_master_key', fresh.use);
    return;
  }
  if (await value(client, 'has_tenants', {}, z.boolean()))
    throw new Error(
      'The database is of a release that noted no master key. Start this release once with the STAGEDOOR_MASTER_KEY that it had, alone, and add the key of AWS KMS then (docs/operations/rotate.md).',
    );
  const { id, sealing } = await givenKey(client, first, true, kms);
  if (!sealing) throw new Error('there is no master key');
  const root = sealWith(sealing, randomBytes(32), rootPlace);
  await call(client, 'use_master_key', { key: id, began: false, root, kmsKey: first });
}

/** The keyring of a database that has sealed nothing yet, for a process that does not serve. */
function unusedKeyring(first: MasterKey): Keyring {
  if (typeof first !== 'string') return Keyring.of([first]);
  throw new Error(
    'No service has started with this database yet, so there is nothing that a key in AWS KMS has sealed.',
  );
}

/**
 * A key of the setting as it can be used. A service makes the data key of the deployment if there is none, before anything is
 * sealed with it: so all replicas have the same, and a missing right is found at the start.
 */
async function givenKey(client: pg.ClientBase, key: MasterKey, isServing: boolean, kms: Kms): Promise<GivenKey> {
  if (typeof key !== 'string') return withoutKms(key);
  const id = idOf(key);
  const found = await dataKeyOf(storeOf(client), kms, { id, arn: key }, deployment, isServing);
  if (!found) return { id, sealing: undefined, kms: undefined };
  // The rights to make a data key and to decrypt it are two.
  if (isServing) await kms.openDataKey(key, deployment, found.encrypted);
  return { id, sealing: found.key, kms: { arn: key, dataKey: found.encrypted } };
}

function storeOf(client: pg.ClientBase): DataKeyStore {
  const bytes = z.instanceof(Buffer);
  return {
    find: (tenant, key) => value(client, 'find_data_key', { tenant, key }, bytes.nullable()),
    keep: (tenant, key, dataKey) => value(client, 'keep_data_key', { tenant, key, dataKey }, bytes),
  };
}

/**
 * Checks the key before the database notes it as the one with which it began: a wrong key would be noted for good.
 * @throws {Error} if it does not open what the database has.
 */
async function assertOpens(client: pg.ClientBase, keyring: Keyring): Promise<void> {
  for (const { values, column } of samples) {
    const asked = sqlCall(values, { seal: 'none', tenant: '', id: '', most: 1 });
    // oxlint-disable-next-line no-await-in-loop -- one connection
    const { rows } = await client.query<{ tenant_id: string; id: string; sealed: Buffer }>(unnamed(asked));
    for (const { tenant_id: tenantId, id, sealed } of rows) {
      try {
        keyring.openFor(binding({ tenantId, column, id }), sealed);
      } catch (error) {
        const wrong = 'STAGEDOOR_MASTER_KEY is not the key with which the secrets of this database are sealed.';
        throw new Error(wrong, { cause: error });
      }
    }
  }
}

async function call(client: pg.ClientBase, name: string, args: SqlArguments): Promise<void> {
  await client.query(unnamed(sqlCall(name, args)));
}

async function value<Value extends z.ZodType>(
  client: pg.ClientBase,
  name: string,
  args: SqlArguments,
  schema: Value,
): Promise<z.output<Value>> {
  const { rows } = await client.query<ResultRow & pg.QueryResultRow>(unnamed(sqlCall(name, args)));
  return parseValue(name, rows, schema);
}
