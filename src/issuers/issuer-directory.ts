import { createSecretKey, hash, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { Database } from '../database/database.ts';
import { limits } from '../limits.ts';
import { currentRequest } from '../request-context.ts';
import { Secrets } from '../secrets/secrets.ts';
import type { Algorithm } from './algorithms.ts';
import { possibleAudiences } from './audiences.ts';
import { type PublicKey, usableKeys } from './public-keys.ts';
import type { ClaimPaths, ClaimRules } from './user-claims.ts';

/** Where the keys of an issuer come from: at least one of a secret, stored public keys and a JWKS URL. */
export interface KeySources {
  secret: KeyObject | undefined;
  keys: readonly PublicKey[];
  jwksUri: string | undefined;
}

/** A registered issuer, with all that is needed to verify its JWTs. */
export interface KnownIssuer extends ClaimRules {
  id: string;
  /** Each change of the issuer gives it another version. */
  version: number;
  tenantId: string;
  issuer: string;
  audience: string;
  audienceClaim: string;
  algorithms: readonly Algorithm[];
  /** Maximum time from `iat` to `exp` of its JWTs, in seconds. */
  maxLifeSeconds: number;
  sources: KeySources;
}

/** An issuer without its keys, as the look-ups find it. */
const foundIssuer = z
  .object({ tenant_id: z.string(), id: z.string(), version: z.int(), audience: z.string(), audience_claim: z.string() })
  .transform((row) => ({
    tenantId: row.tenant_id,
    id: row.id,
    version: row.version,
    audience: row.audience,
    audienceClaim: row.audience_claim,
  }));
export type FoundIssuer = z.output<typeof foundIssuer>;

/** What `issuers_of_place` returns. */
const ofPlace = z.object({ tenant_id: z.string(), issuers: z.array(foundIssuer) }).nullable();

/** What `find_issuers` returns. */
const ofName = z.object({ whole: z.boolean(), issuers: z.array(foundIssuer) });

/** What a request is about, as far as it tells before its caller is known. */
export interface Place {
  spaceId?: string | undefined;
  /** Id or slug of a tenant. It counts more than the space. */
  tenant?: string | undefined;
}

/** How old remembered look-ups may be, and how old the oldest one was that was used; both in milliseconds. */
export interface Reads {
  maxAgeMs: number;
  oldestMs: number;
}

/** Issuers that were read at a time, in milliseconds of a clock that only goes forward. */
interface Reading {
  issuers: readonly FoundIssuer[];
  readAt: number;
}

/** A row of `read_issuer`. */
const issuerRow = z.object({
  tenant_id: z.string(),
  id: z.string(),
  version: z.int(),
  issuer: z.string(),
  audience: z.string(),
  audience_claim: z.string(),
  jwks_uri: z.string().nullable(),
  jwks: z.object({ keys: z.array(z.unknown()) }).nullable(),
  secret: z.instanceof(Buffer).nullable(),
  algorithms: z.array(z.custom<Algorithm>()),
  claims: z.custom<ClaimPaths>(),
  roles: z.record(z.string(), z.string()),
  user_id_prefix: z.string(),
  max_life_seconds: z.int(),
});
type IssuerRow = z.output<typeof issuerRow>;

/** Size of an issuer in memory without its keys, in bytes: about. */
const issuerBytes = 2_000;

/** Size of an imported key in memory, in bytes: about, for the largest that are allowed. */
const keyBytes = 4_000;

/** Look-ups are remembered for this time, in milliseconds. */
const rememberMs = 30_000;

/** The reading of an issuer that a look-up has found. It is there, so no stranger can make it up. */
const ofRow = 'a row';

/** How many look-ups are remembered, and how many issuers in all of them. */
const readings = {
  ttl: rememberMs,
  max: 5_000,
  maxSize: 100_000,
  sizeCalculation: ({ issuers }: Reading) => 1 + issuers.length,
};

/**
 * Finds the issuers of a JWT, among the issuers of all tenants.
 *
 * Look-ups are remembered for 30 seconds. That is safe after a change or a deletion, because the database checks in every
 * transaction of a user that this version of the issuer exists. If it does not, `forget` makes the next look-up ask the
 * database. A look-up with a small `maxAgeMs` finds an issuer that was registered or changed a moment ago.
 *
 * A look-up answers for all tokens of an issuer, so tokens with ever new claims cause no look-ups. The keys of an issuer
 * are read and imported once for each version.
 */
@Injectable()
export class IssuerDirectory {
  /** The tenants of places. A space never has another tenant. A place that is not there is not remembered. */
  private readonly tenants = new LRUCache<string, string>({ max: 20_000, ttl: 10 * 60_000 });
  /** What `issuers_of_place` found, by tenant and name of the issuer. */
  private readonly ofTenants = new LRUCache<string, Reading>(readings);
  /** What `find_issuers` found, by the name of the issuer. */
  private readonly ofNames = new LRUCache<string, Reading>(readings);
  /** Names that nobody has registered. They have a cache of their own, so that invented names cannot evict real ones. */
  private readonly unknown = new LRUCache<string, true>({ max: 10_000, ttl: 1_000 });
  /** Names of readings that had issuers. To read one of them again costs no stranger anything: there are only so many. */
  private readonly existing = new LRUCache<string, true>({ max: 20_000 });
  /** Issuers with their keys, by id and version. A version never changes, so an entry never gets old. */
  private readonly issuers = new LRUCache<string, KnownIssuer>({ max: 5_000, maxSize: 64 * 1024 * 1024 });
  /** What is being asked of the database, so that many requests ask the same once. */
  private readonly asking = new Map<string, Promise<unknown>>();

  constructor(
    private readonly database: Database,
    private readonly secrets: Secrets,
    /** Called with the number of keys whenever keys are imported. */
    private readonly onImported: (keys: number) => void = () => undefined,
  ) {}

  /** The tenant of a place, if it is known without a look-up. */
  knownTenantOf(place: Place): string | undefined {
    const name = nameOfPlace(place);
    return name === undefined ? undefined : this.tenants.get(name);
  }

  /** The tenant of a place and its issuers of this name, the first registered first; undefined: there is no such tenant. */
  async ofPlace(
    place: Place,
    issuer: string,
    reads: Reads,
  ): Promise<{ tenantId: string; issuers: readonly FoundIssuer[] } | undefined> {
    const placeName = nameOfPlace(place);
    if (placeName === undefined) return undefined;
    const known = this.tenants.get(placeName);
    if (known !== undefined) {
      const reading = usable(this.ofTenants.get(nameOf(known, issuer)), reads);
      if (reading) return { tenantId: known, issuers: reading.issuers };
    }
    const name = known === undefined ? undefined : nameOf(known, issuer);
    return await this.once(nameOf(placeName, issuer), name, async () => {
      const readAt = performance.now();
      const asked = { tenant: known ?? place.tenant ?? null, space: place.spaceId ?? null, issuer, limits };
      const found = await this.database.value('issuers_of_place', asked, ofPlace);
      if (!found) {
        currentRequest()?.stranger?.missed();
        return undefined;
      }
      const { tenant_id: tenantId, issuers } = found;
      this.tenants.set(placeName, tenantId);
      this.ofTenants.set(nameOf(tenantId, issuer), { issuers, readAt });
      if (issuers.length > 0) this.existing.set(nameOf(tenantId, issuer), true);
      return { tenantId, issuers };
    });
  }

  /** The issuers of this name of all tenants, or at least those that fit the claims, the first registered first. */
  async ofName(issuer: string, claims: Record<string, unknown>, reads: Reads): Promise<readonly FoundIssuer[]> {
    if (this.unknown.has(issuer)) return [];
    const known = usable(this.ofNames.get(issuer), reads);
    if (known) return known.issuers;
    const possible = possibleAudiences(claims);
    const asked = {
      issuer,
      claims: possible.map((one) => one.audienceClaim),
      audiences: possible.map((one) => one.audience),
      limits,
    };
    return await this.once(nameOf('', JSON.stringify(asked)), nameOf('', issuer), async () => {
      const readAt = performance.now();
      const { whole, issuers } = await this.database.value('find_issuers', asked, ofName);
      if (!whole) return issuers;
      if (issuers.length === 0) this.unknown.set(issuer, true);
      else {
        this.ofNames.set(issuer, { issuers, readAt });
        this.existing.set(nameOf('', issuer), true);
      }
      return issuers;
    });
  }

  /** An issuer with its keys; undefined if it was deleted meanwhile. */
  async read(found: FoundIssuer): Promise<KnownIssuer | undefined> {
    const version = versionOf(found);
    return (
      this.issuers.get(version) ??
      (await this.once(version, ofRow, async () => {
        const args = { tenant: found.tenantId, issuer: found.id };
        const [row] = await this.database.call('read_issuer', args, issuerRow);
        if (!row) {
          this.forget(found.tenantId, found.id);
          return undefined;
        }
        const issuer = await this.toIssuer(row);
        this.issuers.set(versionOf(row), issuer, { size: issuerBytes + keyBytes * (row.jwks?.keys.length ?? 0) });
        return issuer;
      }))
    );
  }

  /** Call it after an issuer was registered. */
  registered(tenantId: string, issuer: string): void {
    this.unknown.delete(issuer);
    this.ofNames.delete(issuer);
    this.ofTenants.delete(nameOf(tenantId, issuer));
  }

  /** Call it after an issuer was changed or deleted: it is looked up again. */
  forget(tenantId: string, id: string): void {
    for (const cache of [this.ofNames, this.ofTenants]) {
      for (const [name, { issuers }] of cache.entries()) {
        if (issuers.some((one) => one.id === id && one.tenantId === tenantId)) cache.delete(name);
      }
    }
  }

  /**
   * Asks the database once for all who ask the same at the same time.
   * @param reading name of the reading that is made anew; undefined: nobody knows whether there is such a thing.
   */
  private async once<T>(name: string, reading: string | undefined, ask: () => Promise<T>): Promise<T> {
    const running = this.asking.get(name) as Promise<T> | undefined;
    if (running) return await running;
    if (reading !== ofRow && !(reading !== undefined && this.existing.has(reading)))
      currentRequest()?.stranger?.lookUp();
    const asked = ask().finally(() => this.asking.delete(name));
    this.asking.set(name, asked);
    return await asked;
  }

  private async toIssuer(row: IssuerRow): Promise<KnownIssuer> {
    return {
      id: row.id,
      version: row.version,
      tenantId: row.tenant_id,
      issuer: row.issuer,
      audience: row.audience,
      audienceClaim: row.audience_claim,
      algorithms: row.algorithms,
      claims: row.claims,
      roles: row.roles,
      userIdPrefix: row.user_id_prefix,
      maxLifeSeconds: row.max_life_seconds,
      sources: await this.sourcesOf(row),
    };
  }

  private async sourcesOf({ tenant_id, id, secret, jwks, jwks_uri }: IssuerRow): Promise<KeySources> {
    if (jwks) this.onImported(jwks.keys.length);
    const owner = { tenantId: tenant_id, column: 'issuers.secret', id };
    return {
      secret: secret ? createSecretKey(await this.secrets.open(secret, owner)) : undefined,
      keys: jwks ? usableKeys(jwks.keys) : [],
      jwksUri: jwks_uri ?? undefined,
    };
  }
}

/** The reading if it is young enough. Notes its age then. */
function usable(reading: Reading | undefined, reads: Reads): Reading | undefined {
  const ageMs = reading ? performance.now() - reading.readAt : Infinity;
  if (ageMs > reads.maxAgeMs) return undefined;
  reads.oldestMs = Math.max(reads.oldestMs, ageMs);
  return reading;
}

function nameOf(first: string, second: string): string {
  return hash('sha256', `${first}\n${second}`, 'base64url');
}

function nameOfPlace({ spaceId, tenant }: Place): string | undefined {
  return tenant === undefined ? spaceId && `space ${spaceId}` : `tenant ${tenant}`;
}

function versionOf({ id, version }: { id: string; version: number }): string {
  return `${id}.${version}`;
}
