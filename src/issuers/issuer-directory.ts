import { createSecretKey, hash, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { Database } from '../database/database.ts';
import { Secrets } from '../secrets/secrets.ts';
import type { Algorithm } from './algorithms.ts';
import { type PublicKey, usableKeys } from './public-keys.ts';
import { refused } from './unverified-token.ts';
import type { ClaimPaths, ClaimRules } from './user-claims.ts';

/** Where the keys of an issuer come from: a secret, stored public keys, or a JWKS URL. */
export type KeySource = { secret: KeyObject } | { keys: readonly PublicKey[] } | { jwksUri: string };

/** A registered issuer, with all that is needed to verify its JWTs. */
export interface KnownIssuer extends ClaimRules {
  id: string;
  /** Each change of the issuer gives it another version. */
  version: number;
  tenantId: string;
  issuer: string;
  audience: string;
  algorithms: readonly Algorithm[];
  source: KeySource;
}

/** A row of `find_issuers`. */
const foundIssuer = z.object({ tenant_id: z.string(), id: z.string(), version: z.int() });
type FoundIssuer = z.output<typeof foundIssuer>;

/** A row of `read_issuer`. */
const issuerRow = z.object({
  tenant_id: z.string(),
  id: z.string(),
  version: z.int(),
  issuer: z.string(),
  audience: z.string(),
  jwks_uri: z.string().nullable(),
  jwks: z.object({ keys: z.array(z.unknown()) }).nullable(),
  secret: z.instanceof(Buffer).nullable(),
  algorithms: z.array(z.custom<Algorithm>()),
  claims: z.custom<ClaimPaths>(),
  roles: z.record(z.string(), z.string()),
  user_id_prefix: z.string(),
});
type IssuerRow = z.output<typeof issuerRow>;

/** Size of an issuer in memory without its keys, in bytes: about. */
const issuerBytes = 2_000;

/** Size of an imported key in memory, in bytes: about, for the largest that are allowed. */
const keyBytes = 4_000;

/**
 * Finds the issuer of a JWT, among the issuers of all tenants. The pair of issuer and audience selects the tenant.
 *
 * A pair is kept for 30 seconds. That is safe after a change or a deletion, because the database checks in every transaction
 * of its users that this version of the issuer exists. If it does not, `forget` makes the next look-up ask the database.
 *
 * The keys of an issuer are read and imported once for each version. They are found by its id, so tokens with ever new
 * lists of audiences cause no more than a look-up of the pair.
 */
@Injectable()
export class IssuerDirectory {
  /** What `find_issuers` found, by the issuer and the audiences of a token. */
  private readonly pairs = new LRUCache<string, FoundIssuer>({ max: 5_000, ttl: 30_000 });
  /** Issuers with their keys, by id and version. A version never changes, so an entry never gets old. */
  private readonly issuers = new LRUCache<string, KnownIssuer>({ max: 5_000, maxSize: 64 * 1024 * 1024 });
  /** Refusals of unknown pairs. They have a cache of their own, so that invented issuers cannot evict real ones. */
  private readonly refusals = new LRUCache<string, string>({ max: 10_000, ttl: 1_000 });
  /** Look-ups that are running, so that many requests with the same pair ask the database once. */
  private readonly lookups = new Map<string, Promise<FoundIssuer>>();
  /** Readings of issuers that are running, for the same reason. */
  private readonly readings = new Map<string, Promise<KnownIssuer>>();

  constructor(
    private readonly database: Database,
    private readonly secrets: Secrets,
    /** Called with the number of keys whenever keys are imported. */
    private readonly onImported: (keys: number) => void = () => undefined,
  ) {}

  /** @throws Problem `unauthenticated` if no issuer fits the pair of issuer and audience, or more than one does. */
  async find(issuer: string, audiences: string[]): Promise<KnownIssuer> {
    const name = nameOf(issuer, audiences);
    const found = this.pairs.get(name) ?? (await this.lookUp(name, issuer, audiences));
    return this.issuers.get(versionOf(found)) ?? (await this.read(found));
  }

  /** Call it after a token of this issuer with these audiences was verified: the next one needs no look-up. */
  verified({ tenantId, id, version, issuer }: KnownIssuer, audiences: string[]): void {
    this.pairs.set(nameOf(issuer, audiences), { tenant_id: tenantId, id, version });
  }

  /** Call it after an issuer was registered: its pair may be among the remembered refusals. */
  registered(): void {
    this.refusals.clear();
  }

  /** Call it after an issuer was changed or deleted: its pairs are looked up again. */
  forget(tenantId: string, id: string): void {
    for (const [name, found] of this.pairs.entries()) {
      if (found.id === id && found.tenant_id === tenantId) this.pairs.delete(name);
    }
  }

  private async lookUp(name: string, issuer: string, audiences: string[]): Promise<FoundIssuer> {
    const refusal = this.refusals.get(name);
    if (refusal !== undefined) throw refused(refusal);
    const lookup = this.lookups.get(name) ?? this.ask(name, issuer, audiences);
    this.lookups.set(name, lookup);
    return await lookup;
  }

  private async ask(name: string, issuer: string, audiences: string[]): Promise<FoundIssuer> {
    try {
      const [found, another] = await this.database.call('find_issuers', { issuer, audiences }, foundIssuer);
      if (!found) return this.refuse(name, "The token's issuer and audience are not registered here.");
      // Also if both belong to one tenant: nothing says which of them the user belongs to.
      if (another) {
        const detail = "More than one of the token's audiences is registered here. Send a token for one of them.";
        return this.refuse(name, detail);
      }
      // Anybody can send ever new lists that contain a registered audience. Those are kept only once a token is verified.
      if (audiences.length === 1) this.pairs.set(name, found);
      return found;
    } finally {
      this.lookups.delete(name);
    }
  }

  private refuse(name: string, detail: string): never {
    this.refusals.set(name, detail);
    throw refused(detail);
  }

  private async read(found: FoundIssuer): Promise<KnownIssuer> {
    const version = versionOf(found);
    const reading = this.readings.get(version) ?? this.readFromDatabase(found);
    this.readings.set(version, reading);
    return await reading;
  }

  private async readFromDatabase(found: FoundIssuer): Promise<KnownIssuer> {
    try {
      const args = { tenant: found.tenant_id, issuer: found.id };
      const [row] = await this.database.call('read_issuer', args, issuerRow);
      if (!row) {
        this.forget(found.tenant_id, found.id);
        throw refused("The token's issuer and audience are not registered here.");
      }
      const issuer = this.toIssuer(row);
      this.issuers.set(versionOf(row), issuer, { size: issuerBytes + keyBytes * (row.jwks?.keys.length ?? 0) });
      return issuer;
    } finally {
      this.readings.delete(versionOf(found));
    }
  }

  private toIssuer(row: IssuerRow): KnownIssuer {
    return {
      id: row.id,
      version: row.version,
      tenantId: row.tenant_id,
      issuer: row.issuer,
      audience: row.audience,
      algorithms: row.algorithms,
      claims: row.claims,
      roles: row.roles,
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
    if (jwks) {
      this.onImported(jwks.keys.length);
      return { keys: usableKeys(jwks.keys) };
    }
    if (jwks_uri !== null) return { jwksUri: jwks_uri };
    throw new Error(`issuer ${id} has no keys`);
  }
}

function nameOf(issuer: string, audiences: string[]): string {
  return hash('sha256', JSON.stringify([issuer, ...audiences]), 'base64url');
}

function versionOf({ id, version }: { id: string; version: number }): string {
  return `${id}.${version}`;
}
