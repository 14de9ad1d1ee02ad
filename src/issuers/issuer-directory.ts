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

/** Where the keys of an issuer are. */
export type KeySource = { secret: KeyObject } | { keys: readonly PublicKey[] } | { jwksUri: string };

/** A registered issuer, ready to verify with. */
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
 * Finds the issuer a token claims to come from, across the tenants: the pair of issuer and audience selects the tenant.
 *
 * Rows are kept for half a minute. That is safe for a deleted issuer too, because the database looks whether the issuer
 * still exists in every transaction of its users; only a deleted pair registered anew has to wait as long.
 */
@Injectable()
export class IssuerDirectory {
  private readonly known = new LRUCache<string, KnownIssuer>({ max: 5_000, ttl: 30_000 });
  // Apart from the others, so that made-up issuers cannot push real ones out.
  private readonly unknown = new LRUCache<string, string>({ max: 10_000, ttl: 5_000 });
  private readonly underWay = new Map<string, Promise<KnownIssuer>>();

  constructor(
    private readonly database: Database,
    private readonly secrets: Secrets,
  ) {}

  /** @throws Problem `unauthenticated` if there is none, or more than one. */
  async find(issuer: string, audiences: string[]): Promise<KnownIssuer> {
    const name = hash('sha256', JSON.stringify([issuer, ...audiences]), 'base64url');
    const known = this.known.get(name);
    if (known) return known;
    const refusal = this.unknown.get(name);
    if (refusal !== undefined) throw refused(refusal);
    const underWay = this.underWay.get(name) ?? this.load(name, issuer, audiences);
    this.underWay.set(name, underWay);
    return await underWay;
  }

  /** To be called when an issuer was registered: its pair may have been looked for before. */
  registered(): void {
    this.unknown.clear();
  }

  /** To be called when an issuer was deleted: its pair may be registered anew, with other keys. */
  deleted(tenantId: string, id: string): void {
    for (const [name, issuer] of this.known.entries()) {
      if (issuer.id === id && issuer.tenantId === tenantId) this.known.delete(name);
    }
  }

  private async load(name: string, issuer: string, audiences: string[]): Promise<KnownIssuer> {
    try {
      const [row, another] = await this.database.call('find_issuers', { issuer, audiences }, issuerRow);
      if (!row) return this.refuse(name, "The token's issuer and audience are not registered here.");
      // Both of one tenant: neither has a better claim to the user, and who signs for several has to say which is meant.
      if (another)
        return this.refuse(name, "More than one of the token's audiences is registered here; send one for one.");
      const found = this.toIssuer(row);
      this.known.set(name, found);
      return found;
    } finally {
      this.underWay.delete(name);
    }
  }

  private refuse(name: string, detail: string): never {
    this.unknown.set(name, detail);
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
