import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { masterKeys } from '../config.ts';
import { type SqlArguments, sqlCall, unnamed } from '../database/sql-call.ts';

/** First byte of a value that the key has sealed with which the deployment began. The value does not name it. */
const unnamedVersion = 1;

/** First byte of a value that names the key that has sealed it: its id, four bytes, follows. */
const namedVersion = 2;

const idBytes = 4;
const ivBytes = 12;
const tagBytes = 16;

/** What `seal_of` says of a value that does not name its key. */
const unnamedSeal = 'unnamed';

const rootPlace = Buffer.from('root of the deployment');

/** The place a sealed value belongs to. It cannot be opened for another place. */
export interface SealedFor {
  tenantId: string;
  /** Table and column, such as `issuers.secret`. */
  column: string;
  /** Id of the row. */
  id: string;
}

/** Additional authenticated data: it ties the ciphertext to its row and column. */
export function binding(owner: SealedFor): Buffer {
  return Buffer.from(JSON.stringify([owner.tenantId, owner.column, owner.id]));
}

/** Where a database of a build before this one may have a value that its master key has sealed. */
const samples = [
  { values: 'sealed_signing_keys', column: 'signing_keys.private_key' },
  { values: 'sealed_issuers', column: 'issuers.secret' },
  { values: 'sealed_webhooks', column: 'webhooks.secret' },
  { values: 'sealed_console_issuers', column: 'console_issuers.client_secret' },
];

/** A master key of the environment. */
interface MasterKey {
  /** Follows from the key: 8 hexadecimal digits. It tells nothing about the key. */
  id: string;
  sealing: KeyObject;
}

/** A row of `master_keys`. */
export interface KnownKey {
  id: string;
  began: boolean;
  root: Buffer;
  first_used_at: Date;
  used_at: Date;
}

/** The master keys of the setting. @throws {Error} with a message of one line. */
export function masterKeysOf(setting: string): Buffer[] {
  const result = masterKeys.safeParse(setting);
  if (!result.success) throw new Error(`STAGEDOOR_MASTER_KEY ${result.error.issues[0]?.message}.`);
  return result.data;
}

/** The id of a master key. */
export function idOf(masterKey: Buffer): string {
  return Buffer.from(hkdfSync('sha256', masterKey, '', 'stagedoor key id', idBytes)).toString('hex');
}

/**
 * The master keys of a deployment. The first one seals; each opens what it has sealed. Keyed hashes, pseudonyms and signatures follow
 * from the root, which stays when a master key is replaced: it is in the database, sealed with each of them.
 */
export class Keyring {
  private constructor(
    /** What everything follows from that is hashed or signed, and not sealed: 32 bytes. */
    readonly root: Buffer,
    private readonly keys: MasterKey[],
    /** Id of the key with which the deployment began. */
    private readonly began: string | undefined,
  ) {}

  /** A keyring for a database that nobody has asked: its first master key is the one with which it began. */
  static of(all: readonly Buffer[]): Keyring {
    const keys = all.map((key) => ({ id: idOf(key), sealing: sealingKeyOf(key) }));
    return new Keyring(all[0] ?? Buffer.alloc(0), keys, keys[0]?.id);
  }

  /**
   * The keyring of a database.
   * @param isServing whether this process seals from now on. Then the database notes the first key.
   * @throws {Error} with a message of one line, if a master key is missing that secrets may be sealed with.
   */
  static async open(client: pg.ClientBase, all: readonly Buffer[], isServing: boolean): Promise<Keyring> {
    let known = await knownKeys(client);
    const [first, ...others] = all;
    if (first === undefined) throw new Error('STAGEDOOR_MASTER_KEY is required.');
    if (known.length === 0) {
      const fresh = Keyring.of([first]);
      if (!isServing) return fresh;
      if (others.length > 0)
        throw new Error(
          'STAGEDOOR_MASTER_KEY names several keys, and the database does not know yet with which one it began. Start the service once with that key alone.',
        );
      await fresh.assertOpens(client);
      await call(client, 'use_master_key', { key: idOf(first), began: true, root: fresh.sealedRoot() });
      known = await knownKeys(client);
    }
    const given = all.map((key) => ({ id: idOf(key), sealing: sealingKeyOf(key) }));
    const missing = known.filter(({ id }) => !given.some((key) => key.id === id)).map(({ id }) => id);
    if (missing.length > 0)
      throw new Error(
        `STAGEDOOR_MASTER_KEY lacks the key ${missing.join(' and the key ')}, with which secrets in the database are sealed. It has ${given.map(({ id }) => id).join(', ')}. Add the missing key behind the others, with a comma between (docs/operations/rotate.md).`,
      );
    const [holder] = known;
    const opener = given.find(({ id }) => id === holder?.id);
    if (!holder || !opener) throw new Error('The database returned no master key.');
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

  /** What `seal_of` says of values that are sealed now. */
  get seal(): string {
    return this.current === this.began ? unnamedSeal : this.current;
  }

  /** The arguments of `use_master_key` for the key that seals. */
  get use(): { key: string; began: boolean; root: Buffer } {
    return { key: this.current, began: this.current === this.began, root: this.sealedRoot() };
  }

  /** What `seal_of` says of values that a key of `master_keys` has sealed. */
  sealOf(id: string): string {
    return id === this.began ? unnamedSeal : id;
  }

  /**
   * Encrypts with AES-256-GCM.
   * @param place ties the value to its row and column.
   * @returns version (1 byte), the id of the key (4) unless the deployment began with it, nonce (12), tag (16) and ciphertext.
   */
  sealFor(place: Buffer, plain: Buffer | string): Buffer {
    const [key] = this.keys;
    if (!key) throw new Error('there is no master key');
    const head = key.id === this.began ? [unnamedVersion] : [namedVersion, ...Buffer.from(key.id, 'hex')];
    return Buffer.concat([Buffer.from(head), sealWith(key.sealing, plain, place)]);
  }

  /** Decrypts. @throws {Error} if the value is of another place, its key is not there, or it was changed. */
  openFor(place: Buffer, bytes: Buffer): Buffer {
    const isNamed = bytes[0] === namedVersion;
    if (!isNamed && bytes[0] !== unnamedVersion) throw new Error(`cannot open a secret of version ${bytes[0]}`);
    const id = isNamed ? bytes.subarray(1, 1 + idBytes).toString('hex') : this.began;
    const key = this.keys.find((one) => one.id === id);
    if (!key) throw new Error(`cannot open a secret of the master key ${id}, which STAGEDOOR_MASTER_KEY does not have`);
    return openWith(key.sealing, bytes.subarray(isNamed ? 1 + idBytes : 1), place);
  }

  /**
   * Checks the key before the database notes it as the one with which it began: a wrong key would be noted for good.
   * @throws {Error} if it does not open what the database has.
   */
  private async assertOpens(client: pg.ClientBase): Promise<void> {
    for (const { values, column } of samples) {
      const asked = sqlCall(values, { seal: 'none', tenant: '', id: '', most: 1 });
      // oxlint-disable-next-line no-await-in-loop -- one connection
      const { rows } = await client.query<{ tenant_id: string; id: string; sealed: Buffer }>(unnamed(asked));
      for (const { tenant_id: tenantId, id, sealed } of rows) {
        try {
          this.openFor(binding({ tenantId, column, id }), sealed);
        } catch (error) {
          const wrong = 'STAGEDOOR_MASTER_KEY is not the key with which the secrets of this database are sealed.';
          throw new Error(wrong, { cause: error });
        }
      }
    }
  }

  private sealedRoot(): Buffer {
    const [key] = this.keys;
    if (!key) throw new Error('there is no master key');
    return sealWith(key.sealing, this.root, rootPlace);
  }
}

/** The master keys that secrets in the database may be sealed with. */
export async function knownKeys(client: pg.ClientBase): Promise<KnownKey[]> {
  return (await client.query<KnownKey>(unnamed(sqlCall('list_master_keys', {})))).rows;
}

async function call(client: pg.ClientBase, name: string, args: SqlArguments): Promise<void> {
  await client.query(unnamed(sqlCall(name, args)));
}

/** Key objects are made once, because importing the bytes takes longer than the work itself. */
function sealingKeyOf(masterKey: Buffer): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', masterKey, '', 'stagedoor seal', 32)));
}

function sealWith(key: KeyObject, plain: Buffer | string, place: Buffer): Buffer {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(place);
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
}

function openWith(key: KeyObject, bytes: Buffer, place: Buffer): Buffer {
  const iv = bytes.subarray(0, ivBytes);
  const tag = bytes.subarray(ivBytes, ivBytes + tagBytes);
  const decipher = createDecipheriv('aes-256-gcm', key, iv).setAAD(place).setAuthTag(tag);
  return Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()]);
}
