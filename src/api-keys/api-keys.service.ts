import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { audit } from '../audit/audit.ts';
import { type ApiKeyCaller, callerRef, type KeyBounds, type OperatorCaller, type TenantCaller } from '../caller.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { CredentialDatabase, Database, ReadDatabase, type Tx } from '../database/database.ts';
import { valueIn } from '../database/sql-call.ts';
import type { ApiKey as ApiKeyRow } from '../database/generated/client.ts';
import { invalid, notFound, Problem } from '../errors.ts';
import type { NewEvent } from '../events/event-log.ts';
import type { Scope } from '../http/access.ts';
import { idKeys, type ListQuery, type Page, readCursor, toPage } from '../http/paging.ts';
import { tokensHaveLeft } from '../http/release-window.ts';
import { newId } from '../ids.ts';
import { assertBelowQuota } from '../quotas.ts';
import { currentRequest } from '../request-context.ts';
import { Secrets } from '../secrets/secrets.ts';
import { assertNotEnding, slugOf } from '../tenants/tenants.service.ts';
import { apiKeyPrefix, newApiKey, readApiKey } from './api-key-format.ts';
import { type FreshKey, replace } from './api-key-rotation.ts';
import { assertMayHandle, handlerOf, keyBounds } from './key-authority.ts';
import type {
  ApiKey,
  CreateApiKeyBody,
  NewApiKeyAnswer,
  RevokeApiKeyQuery,
  RotateApiKeyBody,
} from './api-keys.schemas.ts';

/** A row of `find_api_key`. */
const foundKey = z.object({ tenant_id: z.string(), id: z.string(), scopes: z.array(z.string()), bounds: keyBounds });

@Injectable()
export class ApiKeysService {
  /**
   * Keys that the database has found, by hash. A revoked key may stay here for up to 30 seconds. It cannot be used, because
   * the database checks the key again in every transaction that enters the tenant.
   */
  private readonly callersByHash = new LRUCache<string, ApiKeyCaller>({ max: 10_000, ttl: 30_000 });
  private readonly asking = new Map<string, Promise<ApiKeyCaller>>();

  constructor(
    private readonly database: Database,
    private readonly reads: ReadDatabase,
    private readonly credentials: CredentialDatabase,
    private readonly secrets: Secrets,
    private readonly clock: DatabaseClock,
  ) {}

  /** Finds the caller with this key. @throws Problem `unauthenticated`; for malformed text without asking the database. */
  async authenticate(key: string): Promise<ApiKeyCaller> {
    const read = readApiKey(key);
    if (!read) throw new Problem('unauthenticated', 'This is not an API key. Check that it was copied completely.');
    const hash = this.secrets.hashApiKey(key);
    const cacheKey = hash.toString('base64');
    const known = this.callersByHash.get(cacheKey);
    if (known) return known;
    return await (this.asking.get(cacheKey) ?? this.ask(read.slug, hash, cacheKey));
  }

  /** Asks the database once for all who send the same key at the same time. */
  private async ask(slug: string, hash: Buffer, cacheKey: string): Promise<ApiKeyCaller> {
    currentRequest()?.stranger?.lookUp();
    const asked = this.find(slug, hash).finally(() => this.asking.delete(cacheKey));
    this.asking.set(cacheKey, asked);
    const caller = await asked;
    this.callersByHash.set(cacheKey, caller);
    return caller;
  }

  private async find(slug: string, hash: Buffer): Promise<ApiKeyCaller> {
    const [found] = await this.credentials.call('find_api_key', { slug, hash, noteEvery: '1 minute' }, foundKey);
    if (!found) throw new Problem('unauthenticated', 'This API key does not exist, was revoked, or has expired.');
    return {
      kind: 'apiKey',
      id: found.id,
      tenantId: found.tenant_id,
      scopes: found.scopes,
      bounds: found.bounds,
    };
  }

  /** Creates a key for a tenant as the operator. A tenant cannot create its first key itself. */
  async createFor(caller: OperatorCaller, tenantId: string, body: CreateApiKeyBody): Promise<NewApiKeyAnswer> {
    return await this.database.inScope({ tenantId, kind: 'operator', credential: caller.id }, (tx) => {
      const { expiresAt } = body;
      const lifeMs = expiresAt === undefined ? null : lifeUntil(expiresAt, this.clock.now());
      return this.insert(tx, caller, tenantId, {
        ...body,
        id: newId('key'),
        bounds: boundsOf(body),
        parentId: null,
        expiresAt,
        lifeMs,
      });
    });
  }

  /**
   * Creates a key. It has no scope that the key of the caller lacks, and it ends no later than that key.
   * @throws Problem `forbidden` if the caller lacks a scope or was replaced; `invalid_request` if the expiry is in the past or
   * later than that of the caller.
   */
  async create(caller: TenantCaller, body: CreateApiKeyBody): Promise<NewApiKeyAnswer> {
    return await this.database.inTenantOf(caller, async (tx) => {
      const maker = await handlerOf(tx, caller);
      const bounds = { ...maker.bounds, ...boundsOf(body) };
      assertMayHandle(maker, body.scopes, bounds);
      const expiresAt = body.expiresAt ?? maker.expires_at?.toISOString();
      const lifeMs = expiresAt === undefined ? null : lifeUntil(expiresAt, this.clock.now());
      if (expiresAt !== undefined && maker.expires_at && Date.parse(expiresAt) > maker.expires_at.getTime()) {
        const end = maker.expires_at.toISOString();
        throw invalid('expiresAt', `must not be later than the end of the key that makes it: ${end}`);
      }
      const fresh = { ...body, id: newId('key'), bounds, parentId: maker.id, expiresAt, lifeMs };
      return await this.insert(tx, caller, caller.tenantId, fresh);
    });
  }

  async list(caller: TenantCaller, query: ListQuery): Promise<Page<ApiKey>> {
    const after = readCursor(query.cursor, idKeys('key'));
    const rows = await this.reads.inTenantOf(caller, (tx) =>
      tx.apiKey.findMany({
        where: { tenantId: caller.tenantId, revokedAt: null, ...(after !== undefined && { id: { gt: after } }) },
        orderBy: { id: 'asc' },
        take: query.limit + 1,
      }),
    );
    return toPage(rows, query.limit, (row) => row.id, toApiKey);
  }

  /**
   * Revokes a key, and with `descendants` all keys that it made, and that those made. Then the key may be revoked or expired
   * already. The caller and what the caller made are spared.
   * @throws Problem `forbidden` if the key has a scope that the caller lacks, or the caller was replaced.
   */
  async revoke(caller: TenantCaller, keyId: string, query: RevokeApiKeyQuery): Promise<void> {
    const { tenantId } = caller;
    const { descendants } = query;
    await this.database.inTenantOf(caller, async (tx) => {
      const by = await handlerOf(tx, caller);
      const key = await tx.apiKey.findUnique({ where: { tenantId_id: { tenantId, id: keyId } } });
      if (!key) throw notFound('API key');
      assertMayHandle(by, key.scopes as Scope[], keyBounds.parse(key.bounds));
      const args = { tenant: tenantId, key: keyId, by: by.id, descendants };
      const revoked = await valueIn(tx, 'revoke_api_keys', args, z.array(z.string()));
      if (revoked.length === 0) throw notFound('API key');
      const details = descendants ? { details: { revoked } } : {};
      const answer = () => ({ status: 204 });
      const events = revoked.map((id): NewEvent => ({
        type: 'api_key.revoked',
        data: { keyId: id, by: callerRef(caller) },
      }));
      await audit(tx, caller, { action: 'apiKey.revoke', tenantId, subject: keyId, ...details, events, answer });
    });
    await tokensHaveLeft();
  }

  /**
   * Creates a new key with the name, the scopes and the lifetime of the old key. The old key stays valid for
   * `graceSeconds`, but no longer than before. The new key ends no later than the key of the caller. A key that rotates
   * itself keeps its end, so no key lengthens its own life.
   * @throws Problem `not_found` if the old key is revoked or expired; `conflict` if it was replaced already; `forbidden` if
   * it has a scope that the caller lacks, or the caller was replaced.
   */
  async rotate(caller: TenantCaller, keyId: string, body: RotateApiKeyBody): Promise<NewApiKeyAnswer> {
    const { tenantId } = caller;
    return await this.database.inTenantOf(caller, async (tx) => {
      const by = await handlerOf(tx, caller);
      const graceEnds = new Date(this.clock.now().getTime() + body.graceSeconds * 1000);
      const fresh = await replace(tx, by, { tenantId, keyId, graceEnds, now: this.clock.now() });
      return await this.insert(tx, caller, tenantId, fresh, { keyId, graceEnds });
    });
  }

  private async insert(
    tx: Tx,
    caller: TenantCaller | OperatorCaller,
    tenantId: string,
    fresh: FreshKey,
    old?: { keyId: string; graceEnds: Date },
  ): Promise<NewApiKeyAnswer> {
    const slug = await slugOf(tx, tenantId);
    await assertNotEnding(tx, tenantId);
    const usable = { tenantId, revokedAt: null, OR: [{ expiresAt: null }, { expiresAt: { gt: this.clock.now() } }] };
    await assertBelowQuota(tx, tenantId, 'apiKeys', (take) => tx.apiKey.count({ where: usable, take }));
    const key = newApiKey(slug);
    const { id, name, scopes, bounds, parentId, expiresAt = null, lifeMs } = fresh;
    const replaces = old?.keyId;
    const hash = Uint8Array.from(this.secrets.hashApiKey(key));
    const prefix = apiKeyPrefix(key);
    const row = await tx.apiKey.create({
      data: { tenantId, id, name, prefix, hash, scopes, bounds: { ...bounds }, parentId, expiresAt, lifeMs },
    });
    const data = { keyId: id, name, scopes, expiresAt: row.expiresAt?.toISOString() ?? null, by: callerRef(caller) };
    await audit(tx, caller, {
      action: replaces === undefined ? 'apiKey.create' : 'apiKey.rotate',
      tenantId,
      subject: id,
      details: { name, scopes, ...bounds, ...(old && { replaces: old.keyId, until: old.graceEnds.toISOString() }) },
      events: [
        replaces === undefined
          ? { type: 'api_key.created', data }
          : { type: 'api_key.rotated', data: { ...data, replaces } },
      ],
      answer: () => ({ status: 201, body: { id } }), // never the key
    });
    return { ...toApiKey(row), key };
  }
}

/** The bounds in a body. What is absent there stays absent, so that it does not replace a bound of the maker. */
function boundsOf({ roles, spaceIds, sourceAddresses }: CreateApiKeyBody): KeyBounds {
  return {
    ...(roles && { roles }),
    ...(spaceIds && { spaceIds }),
    ...(sourceAddresses && { sourceAddresses }),
  };
}

/** Milliseconds from now to the end of a new key. @throws Problem `invalid_request` */
function lifeUntil(expiresAt: string, now: Date): bigint {
  const lifeMs = Date.parse(expiresAt) - now.getTime();
  if (lifeMs <= 0) throw invalid('expiresAt', 'must be in the future');
  return BigInt(lifeMs);
}

function toApiKey(row: ApiKeyRow): ApiKey {
  const bounds = keyBounds.parse(row.bounds);
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    scopes: row.scopes as ApiKey['scopes'],
    roles: bounds.roles ?? null,
    spaceIds: bounds.spaceIds ?? null,
    sourceAddresses: bounds.sourceAddresses ?? null,
    parentId: row.parentId,
    replacedBy: row.replacedBy,
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    expiresAt: row.expiresAt?.toISOString() ?? null,
  };
}
