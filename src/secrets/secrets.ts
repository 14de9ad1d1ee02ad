import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Settings } from '../config.ts';

/** First byte of what is sealed, so that another scheme or key can follow. */
const version = 1;
const ivBytes = 12;
const tagBytes = 16;

/** What a sealed value belongs to; it opens nowhere else. */
export interface SealedFor {
  tenantId: string;
  /** Table and column, such as `issuers.secret`. */
  column: string;
  /** Id of the row. */
  id: string;
}

/** Keeps secrets out of the database in clear, and derives the keys that must differ by purpose. */
@Injectable()
export class Secrets {
  private readonly sealingKey: KeyObject;
  private readonly apiKeyPepper: KeyObject;
  private readonly pseudonymKey: KeyObject;

  constructor(settings: Settings) {
    // Key objects, made once: importing the bytes anew takes longer than the hash itself.
    const derive = (purpose: string) =>
      createSecretKey(Buffer.from(hkdfSync('sha256', settings.masterKey, '', `stagedoor ${purpose}`, 32)));
    this.sealingKey = derive('seal');
    this.apiKeyPepper = derive('api key');
    this.pseudonymKey = derive('pseudonym');
  }

  /** Encrypts with AES-256-GCM. The result is version, nonce, tag and ciphertext, in that order. */
  seal(plain: Buffer | string, owner: SealedFor): Buffer {
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv('aes-256-gcm', this.sealingKey, iv).setAAD(binding(owner));
    const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([Buffer.of(version), iv, cipher.getAuthTag(), sealed]);
  }

  /** @throws if it was sealed for another row, under another master key, or changed. */
  open(sealed: Uint8Array, owner: SealedFor): Buffer {
    const bytes = Buffer.from(sealed);
    if (bytes[0] !== version) throw new Error(`cannot open a secret of version ${bytes[0]}`);
    const iv = bytes.subarray(1, 1 + ivBytes);
    const tag = bytes.subarray(1 + ivBytes, 1 + ivBytes + tagBytes);
    const decipher = createDecipheriv('aes-256-gcm', this.sealingKey, iv).setAAD(binding(owner)).setAuthTag(tag);
    return Buffer.concat([decipher.update(bytes.subarray(1 + ivBytes + tagBytes)), decipher.final()]);
  }

  /** Keyed hash of an API key. The key is 256 random bits, so no slow hash is needed. */
  hashApiKey(key: string): Buffer {
    return createHmac('sha256', this.apiKeyPepper).update(key).digest();
  }

  /** What IVS and the other participants see instead of the user id: stable in a tenant, unrelated between tenants. */
  pseudonym(tenantId: string, userId: string): string {
    return createHmac('sha256', this.pseudonymKey).update(`${tenantId}\n${userId}`).digest('hex').slice(0, 32);
  }
}

function binding(owner: SealedFor): Buffer {
  return Buffer.from(JSON.stringify([owner.tenantId, owner.column, owner.id]));
}
