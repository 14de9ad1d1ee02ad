import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Settings } from '../config.ts';
import { auditKeyOf } from './audit-key.ts';
import type { DataKeys } from './data-keys.ts';
import { journalKeyOf } from './journal-key.ts';
import { Keyring } from './keyring.ts';
import { binding, dataKeyVersion, headOf, idBytes, openWith, type SealedFor, sealWith } from './sealed-values.ts';

/** Encrypts secrets for the database, hashes credentials and makes pseudonyms. Each purpose has a key of its own. */
@Injectable()
export class Secrets {
  private readonly apiKeyPepper: KeyObject;
  private readonly pseudonymKey: KeyObject;
  private readonly requestKey: KeyObject;
  private readonly sessionKey: KeyObject;
  private readonly csrfKey: KeyObject;
  /** Signs the tokens of the console's sessions. */
  readonly sessionTokenKey: KeyObject;
  /** Signs checkpoints of the audit log (Ed25519). */
  readonly auditKey: KeyObject;
  /** Proves that a part of the journal is of this deployment (HMAC-SHA-256). */
  readonly journalKey: KeyObject;

  /**
   * @param keyring of the database; without it that of a database which begins with these keys.
   * @param dataKeys of tenants, if a master key is in AWS KMS.
   */
  constructor(
    settings: Pick<Settings, 'masterKeys'>,
    private readonly keyring: Keyring = Keyring.of(settings.masterKeys),
    private readonly dataKeys?: DataKeys,
  ) {
    const { root } = keyring;
    // Key objects are made once, because importing the bytes takes longer than the hash itself.
    const derive = (purpose: string) =>
      createSecretKey(Buffer.from(hkdfSync('sha256', root, '', `stagedoor ${purpose}`, 32)));
    this.apiKeyPepper = derive('api key');
    this.pseudonymKey = derive('pseudonym');
    this.requestKey = derive('request');
    this.sessionKey = derive('console session');
    this.csrfKey = derive('console csrf');
    this.sessionTokenKey = derive('console token');
    this.auditKey = auditKeyOf(root);
    this.journalKey = journalKeyOf(root);
  }

  /**
   * Encrypts a secret of a tenant with AES-256-GCM: with the first master key, or, if that is in AWS KMS, with the data key of
   * the tenant. The value names the master key, and fits its place alone. It may ask AWS KMS and the database, so it is called
   * before a transaction and not in one.
   * @throws {KeyUnavailable} if AWS KMS is needed and cannot be used.
   */
  async seal(plain: Buffer | string, owner: SealedFor): Promise<Buffer> {
    const masterKey = this.keyring.currentKms;
    if (!masterKey) return this.sealOurs(plain, owner);
    const { key } = await this.ofTenants.sealing(masterKey, owner.tenantId);
    return Buffer.concat([headOf(dataKeyVersion, masterKey.id), sealWith(key, plain, binding(owner))]);
  }

  /**
   * Decrypts what `seal` or `sealOurs` made.
   * @throws {Error} if the value was sealed for another place, with a master key that is not there, or was changed.
   * @throws {KeyUnavailable} if AWS KMS is needed and cannot be used.
   */
  async open(sealed: Uint8Array, owner: SealedFor): Promise<Buffer> {
    const bytes = Buffer.from(sealed);
    const masterKey = this.keyring.kmsKeyOf(bytes);
    if (!masterKey) return this.openOurs(bytes, owner);
    const { key } = await this.ofTenants.opening(masterKey, owner.tenantId);
    return openWith(key, bytes.subarray(1 + idBytes), binding(owner));
  }

  /**
   * Encrypts what is the service's own, at once: with the first master key, or, if that is in AWS KMS, with the data key of the
   * deployment. It never waits, so no act fails because AWS KMS does not answer.
   */
  sealOurs(plain: Buffer | string, place: SealedFor): Buffer {
    return this.keyring.sealFor(binding(place), plain);
  }

  /** Decrypts what `sealOurs` made. @throws {Error} as `open`. */
  openOurs(sealed: Uint8Array, place: SealedFor): Buffer {
    return this.keyring.openFor(binding(place), Buffer.from(sealed));
  }

  /** Keyed hash of an API key, 32 bytes. A fast hash is enough, because an API key has 256 random bits. */
  hashApiKey(key: string): Buffer {
    return createHmac('sha256', this.apiKeyPepper).update(key).digest();
  }

  /**
   * Keyed hash of the body of a request, 32 bytes. Bodies hold secrets: without the key nobody can guess one, and check the
   * guess with a copy of the database.
   */
  hashRequest(body: string): Buffer {
    return createHmac('sha256', this.requestKey).update(body).digest();
  }

  /** Keyed hash of the secret of a session of the console, 32 bytes. The secret has 256 random bits. */
  hashSession(secret: string): Buffer {
    return createHmac('sha256', this.sessionKey).update(secret).digest();
  }

  /** What the pages of a session send with each write (CSRF token), as text. It tells nothing about the session's secret. */
  csrfToken(secret: string): string {
    return createHmac('sha256', this.csrfKey).update(secret).digest('base64url');
  }

  /**
   * What IVS and the other participants see instead of the user id: 32 hexadecimal digits. A user keeps their pseudonym.
   * The same user id has another pseudonym in another tenant.
   */
  pseudonym(tenantId: string, userId: string): string {
    return createHmac('sha256', this.pseudonymKey).update(`${tenantId}\n${userId}`).digest('hex').slice(0, 32);
  }

  private get ofTenants(): DataKeys {
    if (!this.dataKeys) throw new Error('there are no data keys');
    return this.dataKeys;
  }
}
