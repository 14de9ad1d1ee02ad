import { hash, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { UserCaller } from '../caller.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Problem } from '../errors.ts';
import { currentRequest } from '../request-context.ts';
import { hasAudience } from './audiences.ts';
import { Candidates, type Outcome } from './candidates.ts';
import { IssuerDirectory, type Place, type Reads } from './issuer-directory.ts';
import { maxTokenLength, readUnverified, refused, type UnverifiedToken } from './unverified-token.ts';

/** How long a verified JWT is remembered, in milliseconds. After a key was withdrawn, its JWTs are accepted this long. */
const rememberMs = 60_000;

/** Refusals wait for no look-up that is younger than this, in milliseconds. So forged tokens cause few look-ups. */
const freshMs = 1_000;

interface Verified {
  caller: UserCaller;
  /** When the token expires, in seconds since 1970. */
  exp: number;
}

/** A token that is good for some place, if it is good. */
interface ToVerify {
  token: string;
  digest: string;
  place: Place;
  unverified: UnverifiedToken;
}

/** Authenticates app users by JWTs of the issuers that tenants have registered. */
@Injectable()
export class UserTokens {
  /**
   * Verified JWTs by their SHA-256 and by the tenant that the request is about. Verifying a signature costs as much as the
   * rest of a request, and users send the same token many times. Remembering is safe for these reasons:
   *
   * - `verify` checks the expiry on every use.
   * - `rememberMs` limits how long a withdrawn key is accepted.
   * - The database checks in every transaction that this version of the issuer exists.
   * - Only tokens with a valid signature are stored, so strangers cannot fill the cache.
   */
  private readonly verified = new LRUCache<string, Verified>({
    max: 10_000,
    maxSize: 32 * 1024 * 1024,
    ttl: rememberMs,
  });

  constructor(
    private readonly issuers: IssuerDirectory,
    private readonly candidates: Candidates,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * Verifies a JWT and returns its user. Several tenants may have registered the issuer of the token. `place` is what the
   * request is about: its tenant counts if the token is good there. Else the only tenant for which the token is good counts.
   *
   * @throws Problem `unauthenticated` with the reason if the JWT is not valid, or is good for several tenants of which the
   * request names none; `not_found` if it is good for several tenants and the space belongs to none of them; `unavailable`
   * if the database or the keys of the issuer cannot be reached.
   */
  async verify(token: string, place: Place = {}): Promise<UserCaller> {
    if (token.length > maxTokenLength) throw refused(`The token is longer than ${maxTokenLength} characters.`);
    const digest = hash('sha256', token, 'base64url');
    const known = this.issuers.knownTenantOf(place);
    const remembered = known !== undefined || !isPlace(place) ? this.remembered(digest, known) : undefined;
    if (remembered) return remembered;
    const asked = { token, digest, place, unverified: readUnverified(token) };
    const reads = { maxAgeMs: Infinity, oldestMs: 0 };
    try {
      return await this.check(asked, reads);
    } catch (error) {
      // An issuer that was registered or changed a moment ago may accept the token.
      if (!(error instanceof Problem && error.code === 'unauthenticated') || reads.oldestMs <= freshMs) throw error;
      return await this.check(asked, { maxAgeMs: freshMs, oldestMs: 0 });
    }
  }

  /**
   * Verifies a JWT anew, after the database has told that the issuer, as it was when `caller` was verified, is not there any
   * more: it was changed, or deleted and registered again.
   * @throws as `verify`
   */
  async verifyAnew(token: string, caller: UserCaller, place: Place = {}): Promise<UserCaller> {
    const digest = hash('sha256', token, 'base64url');
    this.verified.delete(nameOf(digest, caller.tenantId));
    this.verified.delete(nameOf(digest, undefined));
    this.issuers.forget(caller.tenantId, caller.issuerId);
    return await this.verify(token, place);
  }

  private async check({ token, digest, place, unverified }: ToVerify, reads: Reads): Promise<UserCaller> {
    const { issuer, claims } = unverified;
    currentRequest()?.stranger?.verify();
    const asked = { token, unverified, now: this.clock.now(), failed: new Set<KeyObject>() };
    const settle = (outcome: Outcome, tenantId?: string) =>
      this.settle(outcome, nameOf(digest, tenantId), token.length);

    const own = await this.issuers.ofPlace(place, issuer, reads);
    const remembered = this.remembered(digest, own?.tenantId);
    if (remembered) return remembered;
    if (own?.issuers.some((one) => hasAudience(claims, one))) currentRequest()?.stranger?.verifyFor(own.tenantId);
    const outcome = own && (await this.candidates.tryTenant(own.issuers, asked));
    if (own && outcome && outcome.kind !== 'refused') return settle(outcome, own.tenantId);
    const refusal = outcome?.kind === 'refused' ? outcome.problem : undefined;
    if (place.tenant !== undefined) throw refusal ?? notRegistered();

    const others = this.remembered(digest, undefined);
    if (others) return others;
    const found = await this.issuers.ofName(issuer, claims, reads);
    const strangers = found.filter((one) => one.tenantId !== own?.tenantId);
    const left = await this.candidates.tryTenants(strangers, asked, place.spaceId !== undefined);
    if (left && (left.kind !== 'refused' || !refusal)) return settle(left);
    throw refusal ?? notRegistered();
  }

  private settle(outcome: Outcome, name: string, tokenLength: number): UserCaller {
    if (outcome.kind !== 'verified') throw outcome.problem;
    const { caller, exp } = outcome;
    this.verified.set(name, { caller, exp }, { size: tokenLength * 2 });
    return caller;
  }

  private remembered(digest: string, tenantId: string | undefined): UserCaller | undefined {
    const known = this.verified.get(nameOf(digest, tenantId));
    return known && known.exp > this.clock.now().getTime() / 1_000 ? known.caller : undefined;
  }
}

function isPlace({ spaceId, tenant }: Place): boolean {
  return spaceId !== undefined || tenant !== undefined;
}

function nameOf(digest: string, tenantId: string | undefined): string {
  return `${digest} ${tenantId ?? ''}`;
}

function notRegistered(): Problem {
  return refused("The token's issuer and audience are not registered here.");
}
