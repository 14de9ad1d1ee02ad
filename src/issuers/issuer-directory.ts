import { createSecretKey, hash, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { Database } from '../database/database.ts';
import { Secrets } from '../secrets/secrets.ts';
import type { Algorithm } from './algorithms.ts';
import { type PublicKey, usableKeys } from './public-keys.ts';
import { refused } from './unverified-token.ts';
import type { ClaimPaths } from './user-claims.ts';

/** Where the keys of an issuer come from: a secret, stored public keys, or a JWKS URL. */
export type KeySource = { secret: KeyObject } | { keys: readonly PublicKey[] } | { jwksUri: string };

/** A registered issuer, with all that is needed to verify its JWTs. */
export interface KnownIssuer {
  id: string;
  tenantId: string;
  issuer: string;
  audience: string;
  algorithms: readonly Algorithm[];
  claims: ClaimPaths;
  userIdPrefix: string;
  source: KeySource;
}

/** A row of `find_issuers`. */
const issuerRow = z.object({
  tenant_id: z.string(),
  id: z.string(),
  issuer: z.string(),
  audience: z.string(),
  jwks_uri: z.string().nullable(),
  jwks: z.object({ keys: z.array(z.unknown()) }).nullable(),
  secret: z.instanceof(Buffer).nullable(),
  algorithms: z.array(z.custom<Algorithm>()),
  claims: z.custom<ClaimPaths>(),
  user_id_prefix: z.string(),
});
type IssuerRow = z.output<typeof issuerRow>;

/**
 * Finds the issuer of a JWT, among the issuers of all tenants. The pair of issuer and audience selects the tenant.
 *
 * An issuer is kept for 30 seconds. That is safe after its deletion, because the database checks in every transaction of
 * its users that the issuer exists. Another replica may take 30 seconds to notice that a deleted pair is registered again.
 */
@Injectable()
export class IssuerDirectory {
  private readonly known = new LRUCache<string, KnownIssuer>({ max: 5_000, ttl: 30_000 });
  /** Refusals of unknown pairs. They have a cache of their own, so that invented issuers cannot evict real ones. */
  private readonly refusals = new LRUCache<string, string>({ max: 10_000, ttl: 5_000 });
  /** Look-ups that are running, so that many requests with the same pair ask the database once. */
  private readonly lookups = new Map<string, Promise<KnownIssuer>>();

  constructor(
    private readonly database: Database,
    private readonly secrets: Secrets,
  ) {}

  /** @throws Problem `unauthenticated` if no issuer fits the pair of issuer and audience, or more than one does. */
  async find(issuer: string, audiences: string[]): Promise<KnownIssuer> {
    const name = hash('sha256', JSON.stringify([issuer, ...audiences]), 'base64url');
    const known = this.known.get(name);
    if (known) return known;
    const refusal = this.refusals.get(name);
    if (refusal !== undefined) throw refused(refusal);
    const lookup = this.lookups.get(name) ?? this.load(name, issuer, audiences);
    this.lookups.set(name, lookup);
    return await lookup;
  }

  /** Call it after an issuer was registered: its pair may be among the remembered refusals. */
  registered(): void {
    this.refusals.clear();
  }

  /** Call it after an issuer was deleted: its pair may be registered again with other keys. */
  deleted(tenantId: string, id: string): void {
    for (const [name, issuer] of this.known.entries()) {
      if (issuer.id === id && issuer.tenantId === tenantId) this.known.delete(name);
    }
  }

  private async load(name: string, issuer: string, audiences: string[]): Promise<KnownIssuer> {
    try {
      const [row, another] = await this.database.call('find_issuers', { issuer, audiences }, issuerRow);
      if (!row) return this.refuse(name, "The token's issuer and audience are not registered here.");
      // Also if both belong to one tenant: nothing says which of them the user belongs to.
      if (another) {
        const detail = "More than one of the token's audiences is registered here. Send a token for one of them.";
        return this.refuse(name, detail);
      }
      const found = this.toIssuer(row);
      this.known.set(name, found);
      return found;
    } finally {
      this.lookups.delete(name);
    }
  }

  private refuse(name: string, detail: string): never {
    this.refusals.set(name, detail);
    throw refused(detail);
  }

  private toIssuer(row: IssuerRow): KnownIssuer {
    return {
      id: row.id,
      tenantId: row.tenant_id,
      issuer: row.issuer,
      audience: row.audience,
      algorithms: row.algorithms,
      claims: row.claims,
      userIdPrefix: row.user_id_prefix,
      source: this.sourceOf(row),
    };
  }

  private sourceOf({ tenant_id, id, secret, jwks, jwks_uri }: IssuerRow): KeySource {
    if (secret) {
      return {
        secret: createSecretKey(this.secrets.open(secret, { tenantId: tenant_id, column: 'issuers.secret', id })),
      };
    }
    if (jwks) return { keys: usableKeys(jwks.keys) };
    if (jwks_uri !== null) return { jwksUri: jwks_uri };
    throw new Error(`issuer ${id} has no keys`);
  }
}
