import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { type MasterKey, masterKeys } from '../config.ts';
import type { KmsKey } from './data-keys.ts';
import {
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

/** What ties the sealed root to its place. */
export const rootPlace = Buffer.from('root of the deployment');

/** A master key of the setting. */
export interface GivenKey {
  id: string;
  /** What it seals with; of a key in AWS KMS the data key of the deployment. Undefined: nothing has been sealed with it. */
  sealing: KeyObject | undefined;
  kms: { arn: string; dataKey: Buffer } | undefined;
}

/** A key in AWS KMS, with the data key of the deployment as it has encrypted that. */
export interface KmsMasterKey extends KmsKey {
  dataKey: Buffer;
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
  /** The keyring of a database is made by `openKeyring`. */
  constructor(
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

/** A master key that is not in AWS KMS, as it can be used. */
export function withoutKms(key: Buffer): GivenKey {
  return { id: idOf(key), sealing: sealingKeyOf(key), kms: undefined };
}

function lacks(id: string | undefined): Error {
  return new Error(`cannot open a secret of the master key ${id}, which STAGEDOOR_MASTER_KEY does not have`);
}

/** Key objects are made once, because importing the bytes takes longer than the work itself. */
function sealingKeyOf(masterKey: Buffer): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', masterKey, '', 'stagedoor seal', 32)));
}
