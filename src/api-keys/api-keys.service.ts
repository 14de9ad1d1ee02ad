import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { audit } from '../audit/audit.ts';
import type { ApiKeyCaller, OperatorCaller, TenantCaller } from '../caller.ts';
import { Database, type Tx } from '../database/database.ts';
import type { ApiKey as ApiKeyRow } from '../database/generated/client.ts';
import { invalid, notFound, Problem } from '../errors.ts';
import { hasScope, type Scope } from '../http/access.ts';
import { type ListQuery, type Page, readCursor, toPage } from '../http/paging.ts';
import { newId } from '../ids.ts';
import { Secrets } from '../secrets/secrets.ts';
import { slugOf } from '../tenants/tenants.service.ts';
import { apiKeyPrefix, newApiKey, readApiKey } from './api-key-format.ts';
import type { ApiKey, CreateApiKeyBody, NewApiKeyAnswer, RotateApiKeyBody } from './api-keys.schemas.ts';

/** A row of `find_api_key`. */
const foundKey = z.object({ tenant_id: z.string(), id: z.string(), scopes: z.array(z.string()) });

@Injectable()
export class ApiKeysService {
  /**
   * Keys that the database has found, by hash. A revoked key may stay here for up to 30 seconds. It cannot be used, because
   * the database checks the key again in every transaction that enters the tenant.
   */
  private readonly callersByHash = new LRUCache<string, ApiKeyCaller>({ max: 10_000, ttl: 30_000 });

  constructor(
    private readonly database: Database,
    private readonly secrets: Secrets,
  ) {}

  /** Finds the caller with this key. @throws Problem `unauthenticated`; for malformed text without asking the database. */
  async authenticate(key: string): Promise<ApiKeyCaller> {
    const read = readApiKey(key);
    if (!read) throw new Problem('unauthenticated', 'This is not an API key. Check that it was copied completely.');
    const hash = this.secrets.hashApiKey(key);
    const cacheKey = hash.toString('base64');
    const known = this.callersByHash.get(cacheKey);
    if (known) return known;
    const [found] = await this.database.call(
      'find_api_key',
      { slug: read.slug, hash, noteEvery: '1 minute' },
      foundKey,
    );
    if (!found) throw new Problem('unauthenticated', 'This API key does not exist, was revoked, or has expired.');
    const caller: ApiKeyCaller = { kind: 'apiKey', id: found.id, tenantId: found.tenant_id, scopes: found.scopes };
    this.callersByHash.set(cacheKey, caller);
    return caller;
  }

  /** Creates a key for a tenant as the operator. A tenant cannot create its first key itself. */
  async createFor(caller: OperatorCaller, tenantId: string, body: CreateApiKeyBody): Promise<NewApiKeyAnswer> {
    return await this.database.inScope({ tenantId, kind: 'operator', credential: caller.id }, (tx) =>
      this.insert(tx, caller, tenantId, body),
    );
  }

  /** @throws Problem `forbidden` if the caller lacks one of the scopes; `invalid_request` if the expiry is in the past. */
  async create(caller: TenantCaller, body: CreateApiKeyBody): Promise<NewApiKeyAnswer> {
    assertMayGive(caller, body.scopes);
    return await this.database.inTenantOf(caller, (tx) => this.insert(tx, caller, caller.tenantId, body));
  }

  async list(caller: TenantCaller, query: ListQuery): Promise<Page<ApiKey>> {
    const after = readCursor(query.cursor);
    const rows = await this.database.inTenantOf(caller, (tx) =>
      tx.apiKey.findMany({
        where: { tenantId: caller.tenantId, revokedAt: null, ...(after !== undefined && { id: { gt: after } }) },
        orderBy: { id: 'asc' },
        take: query.limit + 1,
      }),
    );
    return toPage(rows, query.limit, (row) => row.id, toApiKey);
  }

  async revoke(caller: TenantCaller, keyId: string): Promise<void> {
    const { tenantId } = caller;
    await this.database.inTenantOf(caller, async (tx) => {
      const { count } = await tx.apiKey.updateMany({
        where: { tenantId, id: keyId, revokedAt: null },
        data: { revokedAt: new Date() },
      });
      if (count === 0) throw notFound('API key');
      await audit(tx, caller, { action: 'apiKey.revoke', tenantId, subject: keyId });
    });
  }

  /**
   * Creates a new key with the name, the scopes and the lifetime of the old key. The old key stays valid for
   * `graceSeconds`, but no longer than before.
   */
  async rotate(caller: TenantCaller, keyId: string, body: RotateApiKeyBody): Promise<NewApiKeyAnswer> {
    const { tenantId } = caller;
    return await this.database.inTenantOf(caller, async (tx) => {
      const old = await tx.apiKey.findFirst({ where: { tenantId, id: keyId, revokedAt: null } });
      if (!old) throw notFound('API key');
      const scopes = old.scopes as Scope[];
      assertMayGive(caller, scopes);
      const graceEnds = new Date(Date.now() + body.graceSeconds * 1000);
      await tx.apiKey.update({
        where: { tenantId_id: { tenantId, id: keyId } },
        data: { expiresAt: old.expiresAt && old.expiresAt < graceEnds ? old.expiresAt : graceEnds },
      });
      const expiresAt = old.lifeMs === null ? undefined : new Date(Date.now() + Number(old.lifeMs));
      const fresh = {
        name: old.name,
        scopes,
        ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
      };
      return await this.insert(tx, caller, tenantId, fresh, { action: 'apiKey.rotate', details: { replaces: keyId } });
    });
  }

  private async insert(
    tx: Tx,
    caller: TenantCaller | OperatorCaller,
    tenantId: string,
    body: CreateApiKeyBody,
    act: { action: string; details?: Record<string, string> } = { action: 'apiKey.create' },
  ): Promise<NewApiKeyAnswer> {
    const slug = await slugOf(tx, tenantId);
    if (body.expiresAt !== undefined && Date.parse(body.expiresAt) <= Date.now()) {
      throw invalid('expiresAt', 'must be in the future');
    }
    const key = newApiKey(slug);
    const row = await tx.apiKey.create({
      data: {
        tenantId,
        id: newId('key'),
        name: body.name,
        prefix: apiKeyPrefix(key),
        hash: Uint8Array.from(this.secrets.hashApiKey(key)),
        scopes: body.scopes,
        expiresAt: body.expiresAt ?? null,
        lifeMs: body.expiresAt === undefined ? null : Date.parse(body.expiresAt) - Date.now(),
      },
    });
    await audit(tx, caller, {
      action: act.action,
      tenantId,
      subject: row.id,
      details: { name: body.name, scopes: body.scopes, ...act.details },
    });
    return { ...toApiKey(row), key };
  }
}

/** Nobody can give a scope that they do not have. @throws Problem `forbidden` */
function assertMayGive(caller: TenantCaller, wanted: readonly Scope[]): void {
  const own = caller.kind === 'apiKey' ? caller.scopes : [];
  const missing = wanted.filter((scope) => !hasScope(own, scope));
  if (missing.length > 0) {
    throw new Problem(
      'forbidden',
      `A key can only give scopes that it has itself. This key lacks ${missing.join(', ')}.`,
    );
  }
}

function toApiKey(row: ApiKeyRow): ApiKey {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    scopes: row.scopes as ApiKey['scopes'],
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    expiresAt: row.expiresAt?.toISOString() ?? null,
  };
}
