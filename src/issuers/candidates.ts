import type { KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { JWTPayload } from 'jose';
import type { UserCaller } from '../caller.ts';
import { notFound, Problem } from '../errors.ts';
import { limits } from '../limits.ts';
import { SignatureThreads, TokenRefused } from '../signatures/signature-threads.ts';
import { includesAlgorithm, needsSecret } from './algorithms.ts';
import { hasAudience } from './audiences.ts';
import { type FoundIssuer, IssuerDirectory, type KnownIssuer } from './issuer-directory.ts';
import { JwksKeys } from './jwks-keys.ts';
import { keysFor, type PublicKey } from './public-keys.ts';
import { refused, type UnverifiedToken } from './unverified-token.ts';
import { checkTimes, clockToleranceSeconds, readUser } from './user-claims.ts';

/** Maximum number of keys to try for a JWT without a `kid`. Each try costs a verification. */
const maxTries = 4;

/** A token that is being verified. */
export interface Asked {
  token: string;
  unverified: UnverifiedToken;
  now: Date;
  /** Keys that do not fit its signature. Issuers with the same JWKS URL share keys, and each is tried once. */
  failed: Set<KeyObject>;
}

/** What the issuers of a tenant make of a token. */
export type Outcome =
  /** The signature fits, and so do the claims. `exp` is in seconds since 1970. */
  | { kind: 'verified'; caller: UserCaller; exp: number }
  /**
   * The signature fits, and the claims do not. So the token is of this tenant, and no other one is asked. `issuer` is the one
   * whose key fits; it is absent when several tenants are left.
   */
  | { kind: 'unfit'; problem: Problem; issuer?: KnownIssuer }
  /** The keys cannot be had now. */
  | { kind: 'unknown'; problem: Problem }
  /** The signature does not fit. */
  | { kind: 'refused'; problem: Problem };

/** Tries a token with the issuers that fit it. */
@Injectable()
export class Candidates {
  constructor(
    private readonly issuers: IssuerDirectory,
    private readonly jwks: JwksKeys,
    private readonly threads: SignatureThreads,
  ) {}

  /**
   * Tries the issuers of one tenant, the first registered first. The first one that accepts the token counts. Undefined:
   * none fits the audiences of the token.
   */
  async tryTenant(issuers: readonly FoundIssuer[], asked: Asked): Promise<Outcome | undefined> {
    const fitting = issuers.filter((one) => hasAudience(asked.unverified.claims, one));
    const outcomes: Outcome[] = [];
    for (const found of fitting.slice(0, limits.candidatesOfTenant)) {
      const issuer = await this.issuers.read(found);
      const outcome = issuer && (await this.tryIssuer(issuer, asked));
      if (outcome?.kind === 'verified') return outcome;
      if (outcome) outcomes.push(outcome);
    }
    return (['unfit', 'unknown', 'refused'] as const)
      .map((kind) => outcomes.find((one) => one.kind === kind))
      .find((one) => one !== undefined);
  }

  /**
   * Tries the issuers of all tenants. One tenant must be left: an issuer whose keys cannot be had could have verified the
   * token too. Undefined: no issuer fits the audiences of the token.
   * @param inSpace whether the request names a space. The space belongs to none of these tenants.
   */
  async tryTenants(issuers: readonly FoundIssuer[], asked: Asked, inSpace: boolean): Promise<Outcome | undefined> {
    const fitting = issuers.filter((one) => hasAudience(asked.unverified.claims, one));
    const byTenant = [...Map.groupBy(fitting, (one) => one.tenantId).values()];
    const several = inSpace ? notFound('space') : refused(howToChoose);
    if (byTenant.length > limits.candidateTenants) return { kind: 'unfit', problem: several };
    const outcomes = await Promise.all(byTenant.map((ofTenant) => this.tryTenant(ofTenant, asked)));
    const left = outcomes.filter((one) => one !== undefined && one.kind !== 'refused');
    if (left.length > 1 && left.some((one) => one?.kind !== 'unknown')) return { kind: 'unfit', problem: several };
    return left[0] ?? outcomes.find((one) => one !== undefined);
  }

  private async tryIssuer(issuer: KnownIssuer, asked: Asked): Promise<Outcome> {
    const { algorithm, claims } = asked.unverified;
    if (!includesAlgorithm(issuer.algorithms, algorithm)) {
      const registered = issuer.algorithms.join(', ');
      return refusal(`The token's algorithm is not one registered for its issuer (${registered}).`);
    }
    try {
      const signed = await this.verifySignature(issuer, asked);
      if (signed instanceof Problem) return { kind: 'refused', problem: signed };
      // The claims are read again, from the bytes that were verified.
      if (!hasAudience(signed, issuer) || !hasAudience(claims, issuer))
        return refusal('The token’s audience is not valid.');
      return { kind: 'verified', ...readCaller(signed, issuer, asked.now) };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.code === 'unavailable') return { kind: 'unknown', problem: error };
      return { kind: 'unfit', problem: error, issuer };
    }
  }

  /**
   * Tries the keys at hand first, then those at the JWKS URL, and fetches these again if none fits: a provider may have
   * rotated a key without giving it a new `kid`.
   * @returns the claims, or why the signature does not fit. @throws Problem if it fits and the claims do not.
   */
  private async verifySignature(issuer: KnownIssuer, asked: Asked): Promise<JWTPayload | Problem> {
    const { algorithm, kid } = asked.unverified;
    const { secret, keys, jwksUri } = issuer.sources;
    const pick = (all: readonly PublicKey[]) => keysFor(all, algorithm, kid);
    const bySecret = needsSecret(algorithm);
    const atHand = bySecret ? (secret ? [secret] : []) : pick(keys);
    const signed = await this.tryKeys(atHand, issuer, asked);
    if (signed) return signed;
    if (bySecret || jwksUri === undefined) return doesNotFit(atHand.length);
    const fetched = await this.jwks.find(issuer.tenantId, jwksUri, pick);
    const signedLater = await this.tryKeys(fetched, issuer, asked);
    if (signedLater) return signedLater;
    if (fetched.length === 0) return doesNotFit(atHand.length);
    const again = await this.jwks.findAgain(issuer.tenantId, jwksUri, pick);
    return (await this.tryKeys(again, issuer, asked)) ?? doesNotFit(1);
  }

  /** @returns the claims; a Problem if the token can be verified with no key; undefined if no key fits. */
  private async tryKeys(
    keys: readonly KeyObject[],
    issuer: KnownIssuer,
    asked: Asked,
  ): Promise<JWTPayload | Problem | undefined> {
    for (const key of keys.slice(0, maxTries).filter((one) => !asked.failed.has(one))) {
      try {
        return await this.threads.verify(asked.token, key, {
          algorithms: [asked.unverified.algorithm],
          issuer: issuer.issuer,
          requiredClaims: ['exp', 'iat'],
          clockTolerance: clockToleranceSeconds,
          currentDate: asked.now,
        });
      } catch (error) {
        if (!(error instanceof TokenRefused)) throw error;
        if (isAboutClaims(error)) throw explain(error);
        if (error.code !== 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED') return explain(error);
        asked.failed.add(key);
      }
    }
    return undefined;
  }
}

function doesNotFit(tried: number): Problem {
  return refused(
    tried === 0
      ? "The token's issuer has no key with this kid for this algorithm."
      : "The token's signature does not fit the key of its issuer.",
  );
}

const howToChoose =
  'The token is good for more than one tenant of this deployment, and nothing in the request says which one is meant. Name a space (spaceId), or send the slug of the tenant in the header x-stagedoor-tenant.';

/** @throws Problem `unauthenticated` */
function readCaller(claims: JWTPayload, issuer: KnownIssuer, now: Date): { caller: UserCaller; exp: number } {
  const exp = checkTimes(claims, now.getTime() / 1_000, issuer.maxLifeSeconds);
  const user = readUser(claims, issuer);
  const caller: UserCaller = {
    kind: 'user',
    id: user.id,
    tenantId: issuer.tenantId,
    issuerId: issuer.id,
    issuerVersion: issuer.version,
    roles: Object.freeze(user.roles),
    claims: Object.freeze(user.claims),
    name: user.name,
  };
  return { caller: Object.freeze(caller), exp }; // frozen, because requests share it
}

function refusal(detail: string): Outcome {
  return { kind: 'refused', problem: refused(detail) };
}

/** Whether jose refuses the claims. It has verified the signature before. */
function isAboutClaims({ code }: TokenRefused): boolean {
  return code === 'ERR_JWT_EXPIRED' || code === 'ERR_JWT_CLAIM_VALIDATION_FAILED';
}

/** Translates a refusal of jose. The keys were checked before, so every failure is a fault of the token. */
function explain(error: TokenRefused): Problem {
  if (error.code === 'ERR_JWT_EXPIRED') return refused('The token has expired.', error);
  if (error.code === 'ERR_JWT_CLAIM_VALIDATION_FAILED') {
    if (error.claim === 'nbf') return refused('The token is not valid yet.', error);
    const missing = error.reason === 'missing';
    return refused(`The token's ${error.claim} is ${missing ? 'missing' : 'not valid'}.`, error);
  }
  return refused('The token is not a JWT that can be verified.', error);
}
