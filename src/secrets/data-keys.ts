import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { CredentialDatabase } from '../database/database.ts';
import { Problem } from '../errors.ts';
import { currentRequest } from '../request-context.ts';
import { type DataKey, Kms, KmsFailure } from './kms.ts';

/** Whose data key seals what no tenant owns: it is kept as that of a tenant with this id. */
export const deployment = 'deployment';

/** Largest number of data keys in the memory of a replica. Each has some 500 bytes. */
const mostKeys = 10_000;

/** A data key is in memory for this time after KMS last decrypted it, in milliseconds. For so long an outage of KMS does no harm. */
const keptMs = 12 * 60 * 60_000;

/** A data key that is used is decrypted again after this time, behind the back of who uses it, in milliseconds. */
const renewAfterMs = 4 * 60 * 60_000;

/** For so long a failure is the answer to everybody who needs that data key, in milliseconds. */
const failsForMs = 1_000;

/** Time between two attempts to decrypt a data key again that is in memory, in milliseconds. */
const renewEveryMs = 60_000;

/** A master key in AWS KMS. */
export interface KmsKey {
  /** As that of every master key. */
  id: string;
  arn: string;
}

/** Where data keys are kept, encrypted. */
export interface DataKeyStore {
  /** The data key of a tenant; null: there is none. */
  find(tenantId: string, masterKey: string): Promise<Buffer | null>;
  /** Keeps a data key unless there is one. Returns the one that is there then. */
  keep(tenantId: string, masterKey: string, encrypted: Buffer): Promise<Buffer>;
}

/** AWS KMS is needed now and cannot be used, so secrets cannot be sealed or opened. */
export class KeyUnavailable extends Problem {
  constructor(failure: KmsFailure) {
    super(
      'unavailable',
      failure.kind === 'refused'
        ? 'AWS KMS refuses the key with which the secrets of the tenant are encrypted. The operator of the service has to look at it.'
        : 'AWS KMS does not answer, and the secrets of the tenant are encrypted with its key. Try again shortly.',
      { retryAfterSeconds: failure.kind === 'refused' ? 30 : 2, cause: failure },
    );
  }
}

/**
 * The data key of a tenant under a key in AWS KMS. If there is none, one is made. Of several replicas that make one at once, one
 * keeps it, and the others take that.
 * @param mayMake false: undefined is returned instead.
 * @throws {KmsFailure}
 */
export async function dataKeyOf(
  store: DataKeyStore,
  kms: Kms,
  { id, arn }: KmsKey,
  tenantId: string,
  mayMake: boolean,
): Promise<DataKey | undefined> {
  const found = await store.find(tenantId, id);
  if (found) return await kms.openDataKey(arn, tenantId, found);
  if (!mayMake) return undefined;
  const made = await kms.makeDataKey(arn, tenantId);
  const kept = await store.keep(tenantId, id, made.encrypted);
  return kept.equals(made.encrypted) ? made : await kms.openDataKey(arn, tenantId, kept);
}

const encrypted = z.instanceof(Uint8Array).transform((bytes) => Buffer.from(bytes));

/** The data keys of tenants, in memory once they were used: then a vend asks neither KMS nor the database for one. */
@Injectable()
export class DataKeys {
  private readonly keys: LRUCache<string, DataKey>;
  /** Data keys that are being asked for, so that many who need one ask once. */
  private readonly asking = new Map<string, Promise<DataKey>>();
  /** Failures that are the answer for a moment. */
  private readonly failures: LRUCache<string, Error>;
  private readonly logger = new Logger(DataKeys.name);
  private readonly store: DataKeyStore;

  /** @param now milliseconds of a clock that only goes forward. */
  constructor(
    database: CredentialDatabase,
    private readonly kms: Kms,
    now = () => performance.now(),
  ) {
    const clock = { perf: { now }, ttlResolution: 0 };
    this.keys = new LRUCache({ max: mostKeys, ttl: keptMs, ...clock });
    this.failures = new LRUCache({ max: mostKeys, ttl: failsForMs, ...clock });
    this.store = {
      find: (tenant, key) => database.value('find_data_key', { tenant, key }, encrypted.nullable()),
      keep: (tenant, key, dataKey) => database.value('keep_data_key', { tenant, key, dataKey }, encrypted),
    };
  }

  /** The data key that opens what a tenant has sealed. @throws {KeyUnavailable} */
  async opening(masterKey: KmsKey, tenantId: string): Promise<DataKey> {
    const name = nameOf(masterKey, tenantId);
    const known = this.keys.get(name);
    if (!known) return await this.ask(masterKey, tenantId, false);
    if (this.keys.getRemainingTTL(name) < keptMs - renewAfterMs && !this.failures.has(renewalOf(name)))
      void this.renew(masterKey, tenantId, known);
    return known;
  }

  /**
   * The data key that seals for a tenant. It is in the database when this returns: it may have been lost there since it was
   * read, as after a failover to a standby that was behind, and what is sealed with it must be opened by others.
   * @throws {KeyUnavailable}
   */
  async sealing(masterKey: KmsKey, tenantId: string): Promise<DataKey> {
    const name = nameOf(masterKey, tenantId);
    const known = this.keys.get(name);
    if (!known) return await this.ask(masterKey, tenantId, true);
    const kept = await this.store.keep(tenantId, masterKey.id, known.encrypted);
    if (kept.equals(known.encrypted)) return known;
    this.keys.delete(name);
    return await this.ask(masterKey, tenantId, false);
  }

  /** Forgets the data keys of a master key, so that each is asked for before it is used again. */
  forget(masterKey: KmsKey): void {
    for (const name of this.keys.keys()) if (name.startsWith(nameOf(masterKey, ''))) this.keys.delete(name);
  }

  private async ask(masterKey: KmsKey, tenantId: string, mayMake: boolean): Promise<DataKey> {
    const name = nameOf(masterKey, tenantId);
    const failure = this.failures.get(name);
    if (failure) throw failure;
    currentRequest()?.endTurn?.(); // while KMS works, this replica can serve others
    const question = `${mayMake ? 'make' : 'find'} ${name}`;
    const running = this.asking.get(question);
    if (running) return await running;
    const asked = this.read(masterKey, tenantId, mayMake).finally(() => this.asking.delete(question));
    this.asking.set(question, asked);
    return await asked;
  }

  private async read(masterKey: KmsKey, tenantId: string, mayMake: boolean): Promise<DataKey> {
    const name = nameOf(masterKey, tenantId);
    let found: DataKey | undefined;
    try {
      found = await dataKeyOf(this.store, this.kms, masterKey, tenantId, mayMake);
    } catch (error) {
      if (!(error instanceof KmsFailure)) throw error;
      const unavailable = new KeyUnavailable(error);
      this.failures.set(name, unavailable);
      throw unavailable;
    }
    if (!found)
      throw new Error(`the database has no data key of the tenant ${tenantId} for the master key ${masterKey.id}`);
    this.keys.set(name, found);
    return found;
  }

  /** Decrypts a data key again. Never fails: until it has been in memory for too long, the one that is there is used. */
  private async renew(masterKey: KmsKey, tenantId: string, known: DataKey): Promise<void> {
    const name = nameOf(masterKey, tenantId);
    const question = renewalOf(name);
    if (this.asking.has(question)) return;
    const asked = this.kms.openDataKey(masterKey.arn, tenantId, known.encrypted);
    this.asking.set(question, asked);
    try {
      this.keys.set(name, await asked);
    } catch (error) {
      this.failures.set(question, error instanceof Error ? error : new Error(String(error)), { ttl: renewEveryMs });
      this.logger.warn({ err: error, tenantId }, 'A data key could not be decrypted again. The one in memory is used.');
    } finally {
      this.asking.delete(question);
    }
  }
}

function nameOf({ id }: KmsKey, tenantId: string): string {
  return `${id} ${tenantId}`;
}

/** The name of the attempt to decrypt a data key again that is in memory. */
function renewalOf(name: string): string {
  return `renew ${name}`;
}
