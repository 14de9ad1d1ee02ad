import { createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { z } from 'zod';
import { type MasterKey, masterKeys } from '../config.ts';
import { parseValue, type ResultRow, type SqlArguments, sqlCall, unnamed } from '../database/sql-call.ts';
import { dataKeyOf, type DataKeyStore, deployment, type KmsKey } from './data-keys.ts';
import { Kms } from './kms.ts';
import {
  binding,
  dataKeyVersion,
  headOf,
  idBytes,
  namedIn,
  namedVersion,
  openWith,
  sealWith,
  unnamedVersion,
} from './sealed-values.ts';

/** What `seal_of` says of a value that does not name its key. */
const unnamedSeal = 'unnamed';

const rootPlace = Buffer.from('root of the deployment');

/** Where a database of a build before this one may have a value that its master key has sealed. */
const samples = [
  { values: 'sealed_signing_keys', column: 'signing_keys.private_key' },
  { values: 'sealed_issuers', column: 'issuers.secret' },
  { values: 'sealed_webhooks', column: 'webhooks.secret' },
  { values: 'sealed_console_issuers', column: 'console_issuers.client_secret' },
];

/** A master key of the setting. */
interface GivenKey {
  id: string;
  /** What it seals with; of a key in AWS KMS the data key of the deployment. Undefined: nothing has been sealed with it. */
  sealing: KeyObject | undefined;
  kms: { arn: string; dataKey: Buffer } | undefined;
}

/** A key in AWS KMS, with the data key of the deployment as it has encrypted that. */
export interface KmsMasterKey extends KmsKey {
  dataKey: Buffer;
}

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

/** The master keys of the setting. @throws {Error} with a message of one line. */
export function masterKeysOf(setting: string): MasterKey[] {
  const result = masterKeys.safeParse(setting);
  if (!result.success) throw new Error(`STAGEDOOR_MASTER_KEY ${result.error.issues[0]?.message}.`);
  return result.data;
}

/** The id of a master key. A multi-Region key of AWS KMS has one in all Regions: each opens what the others have sealed. */
export function idOf(masterKey: MasterKey): string {
  const isKms = typeof masterKey === 'string';
  const from = isKms ? masterKey.replace(/:kms:[^:]+:(\d+:key\/mrk-)/, ':kms::$1') : masterKey;
  const purpose = isKms ? 'stagedoor kms key id' : 'stagedoor key id';
  return Buffer.from(hkdfSync('sha256', from, '', purpose, idBytes)).toString('hex');
}

/** A master key as people know it: its id, and its ARN if it is in AWS KMS. It is no secret. */
export function nameOf({ id, arn }: { id: string; arn: string | null | undefined }): string {
  return arn ? `${id} (${arn})` : id;
}

/**
 * The master keys of a deployment. The first one seals; each opens what it has sealed. Keyed hashes, pseudonyms and signatures follow
 * from the root, which stays when a master key is replaced: it is in the database, sealed with each of them.
 */
export class Keyring {
  private constructor(
    /** What everything follows from that is hashed or signed, and not sealed: 32 bytes. */
    readonly root: Buffer,
    private readonly keys: GivenKey[],
    /** Id of the key with which the deployment began. */
    private readonly began: string | undefined,
  ) {}

  /** A keyring for a database that nobody has asked: its first master key is the one with which it began. None is in AWS KMS. */
  static of(all: readonly MasterKey[]): Keyring {
    const keys = all.map((key) => {
      if (typeof key === 'string') throw new Error('a key in AWS KMS needs a database');
      return withoutKms(key);
    });
    const [first] = all;
    return new Keyring(Buffer.isBuffer(first) ? first : Buffer.alloc(0), keys, keys[0]?.id);
  }

  /**
   * The keyring of a database.
   * @param isServing whether this process seals from now on. Then the database notes the first key.
   * @param kms for keys that are in AWS KMS.
   * @throws {Error} with a message of one line, if a master key is missing that secrets may be sealed with, or cannot be used.
   */
  static async open(
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

  /** The key that seals. */
  get current(): string {
    return this.keys[0]?.id ?? '';
  }

  /** The key that seals, if it is in AWS KMS. */
  get currentKms(): KmsKey | undefined {
    return this.kmsKeys.find(({ id }) => id === this.current);
  }

  /** The keys that are in AWS KMS. */
  get kmsKeys(): KmsMasterKey[] {
    return this.keys.flatMap(({ id, kms }) => (kms ? [{ id, ...kms }] : []));
  }

  /** What `seal_of` says of values that are sealed now. */
  get seal(): string {
    return this.current === this.began ? unnamedSeal : this.current;
  }

  /** The arguments of `use_master_key` for the key that seals. */
  get use(): { key: string; began: boolean; root: Buffer; kmsKey: string | null } {
    const [key] = this.keys;
    if (!key?.sealing) throw new Error('there is no master key');
    return {
      key: key.id,
      began: key.id === this.began,
      root: sealWith(key.sealing, this.root, rootPlace),
      kmsKey: key.kms?.arn ?? null,
    };
  }

  /** What `seal_of` says of values that a key of `master_keys` has sealed. */
  sealOf(id: string): string {
    return id === this.began ? unnamedSeal : id;
  }

  /**
   * Encrypts with AES-256-GCM, with the first master key itself. If that is in AWS KMS, with the data key of the deployment.
   * @param place ties the value to its row and column.
   * @returns version (1 byte), the id of the key (4) unless the deployment began with it, nonce (12), tag (16) and ciphertext.
   */
  sealFor(place: Buffer, plain: Buffer | string): Buffer {
    const [key] = this.keys;
    if (!key?.sealing) throw new Error('there is no master key');
    const head = key.id === this.began ? Buffer.from([unnamedVersion]) : headOf(namedVersion, key.id);
    return Buffer.concat([head, sealWith(key.sealing, plain, place)]);
  }

  /** Decrypts what `sealFor` made. @throws {Error} if the value is of another place, its key is not there, or it was changed. */
  openFor(place: Buffer, bytes: Buffer): Buffer {
    const isNamed = bytes[0] === namedVersion;
    if (!isNamed && bytes[0] !== unnamedVersion) throw new Error(`cannot open a secret of version ${bytes[0]}`);
    const id = isNamed ? namedIn(bytes) : this.began;
    const key = this.keys.find((one) => one.id === id);
    if (!key?.sealing) throw lacks(id);
    return openWith(key.sealing, bytes.subarray(isNamed ? 1 + idBytes : 1), place);
  }

  /** The key in AWS KMS that encrypts the data key that has sealed a value; undefined: a master key itself has. */
  kmsKeyOf(bytes: Buffer): KmsKey | undefined {
    if (bytes[0] !== dataKeyVersion) return undefined;
    const id = namedIn(bytes);
    const key = this.kmsKeys.find((one) => one.id === id);
    if (!key) throw lacks(id);
    return key;
  }
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

function withoutKms(key: Buffer): GivenKey {
  return { id: idOf(key), sealing: sealingKeyOf(key), kms: undefined };
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

function lacks(id: string | undefined): Error {
  return new Error(`cannot open a secret of the master key ${id}, which STAGEDOOR_MASTER_KEY does not have`);
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

/** Key objects are made once, because importing the bytes takes longer than the work itself. */
function sealingKeyOf(masterKey: Buffer): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', masterKey, '', 'stagedoor seal', 32)));
}
