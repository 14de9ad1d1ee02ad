import { hash, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { errors, type JWTPayload, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { UserCaller } from '../caller.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import type { Problem } from '../errors.ts';
import { IssuerDirectory, type KnownIssuer } from './issuer-directory.ts';
import { JwksKeys } from './jwks-keys.ts';
import { keysFor } from './public-keys.ts';
import { maxTokenLength, readUnverified, refused, type UnverifiedToken } from './unverified-token.ts';
import { checkTimes, clockToleranceSeconds, readUser } from './user-claims.ts';

/** How long a verified JWT is remembered, in milliseconds. After a key was withdrawn, its JWTs are accepted this long. */
const rememberMs = 60_000;

/** Maximum number of keys to try for a JWT without a `kid`. Each try costs a verification. */
const maxTries = 4;

interface Verified {
  caller: UserCaller;
  /** When the token expires, in seconds since 1970. */
  exp: number;
}

/** Authenticates app users by JWTs of the issuers that tenants have registered. */
@Injectable()
export class UserTokens {
  /**
   * Verified JWTs by their SHA-256. Verifying a signature costs as much as the rest of a request, and users send the same
   * token many times. Remembering is safe for these reasons:
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
    private readonly jwks: JwksKeys,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * Verifies a JWT and returns its user.
   *
   * @throws Problem `unauthenticated` with the reason if the JWT is not valid; `unavailable` if the database or the keys of
   * the issuer cannot be reached.
   */
  async verify(token: string): Promise<UserCaller> {
    if (token.length > maxTokenLength) throw refused(`The token is longer than ${maxTokenLength} characters.`);
    const name = hash('sha256', token, 'base64url');
    const remembered = this.verified.get(name);
    if (remembered && remembered.exp > this.clock.now().getTime() / 1_000) return remembered.caller;
    const verified = await this.check(token);
    this.verified.set(name, verified, { size: token.length * 2 });
    return verified.caller;
  }

  /**
   * Verifies a JWT anew, after the database has told that the issuer, as it was when `caller` was verified, is not there any
   * more: it was changed, or deleted and registered again.
   * @throws as `verify`
   */
  async verifyAnew(token: string, caller: UserCaller): Promise<UserCaller> {
    this.verified.delete(hash('sha256', token, 'base64url'));
    this.issuers.forget(caller.tenantId, caller.issuerId);
    return await this.verify(token);
  }

  private async check(token: string): Promise<Verified> {
    const unverified = readUnverified(token);
    const issuer = await this.issuers.find(unverified.issuer, unverified.audiences);
    if (!issuer.algorithms.includes(unverified.algorithm)) {
      throw refused(`The token's algorithm is not one registered for its issuer (${issuer.algorithms.join(', ')}).`);
    }
    const claims = await this.verifyWith(await this.keysOf(issuer, unverified), token, issuer, unverified);
    const exp = checkTimes(claims, this.clock.now().getTime() / 1_000);
    if (unverified.audiences.length > 1) this.issuers.verified(issuer, unverified.audiences);
    const user = readUser(claims, issuer);
    const caller: UserCaller = {
      kind: 'user',
      id: user.id,
      tenantId: issuer.tenantId,
      issuerId: issuer.id,
      issuerVersion: issuer.version,
      roles: Object.freeze(user.roles),
      claims: Object.freeze(user.claims),
    };
    return { caller: Object.freeze(caller), exp }; // frozen, because requests share it
  }

  private async keysOf({ tenantId, source }: KnownIssuer, { algorithm, kid }: UnverifiedToken): Promise<KeyObject[]> {
    if ('secret' in source) return [source.secret];
    if ('keys' in source) return keysFor(source.keys, algorithm, kid);
    return await this.jwks.find(tenantId, source.jwksUri, (keys) => keysFor(keys, algorithm, kid));
  }

  private async verifyWith(
    keys: KeyObject[],
    token: string,
    issuer: KnownIssuer,
    { algorithm }: UnverifiedToken,
  ): Promise<JWTPayload> {
    let reason: unknown;
    for (const key of keys.slice(0, maxTries)) {
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: [algorithm],
          issuer: issuer.issuer,
          audience: issuer.audience,
          requiredClaims: ['exp', 'iat'],
          clockTolerance: clockToleranceSeconds,
          currentDate: this.clock.now(),
        });
        return payload;
      } catch (error) {
        reason = error;
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) break;
      }
    }
    throw reason === undefined
      ? refused("The token's issuer has no key with this kid for this algorithm.")
      : explain(reason);
  }
}

/** Translates a refusal of jose. The keys were checked before, so every failure is a fault of the token. */
function explain(error: unknown): Problem {
  if (error instanceof errors.JWTExpired) return refused('The token has expired.', error);
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf') return refused('The token is not valid yet.', error);
    const missing = error.reason === 'missing';
    return refused(`The token's ${error.claim} is ${missing ? 'missing' : 'not valid'}.`, error);
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return refused("The token's signature does not fit the key of its issuer.", error);
  }
  return refused('The token is not a JWT that can be verified.', error);
}
