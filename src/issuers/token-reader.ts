import type { KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { TenantCaller, UserCaller } from '../caller.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { ReadDatabase } from '../database/database.ts';
import { Problem } from '../errors.ts';
import { hasAudience } from './audiences.ts';
import { Candidates } from './candidates.ts';
import { type FoundIssuer, IssuerDirectory, type KnownIssuer } from './issuer-directory.ts';
import { type TokenCheck, tokenChecks } from './token-check.ts';
import { checkThatFails, whatTimesSay, whichIssuers, whyNotFor } from './token-words.ts';
import { readUnverified, refused, type UnverifiedToken } from './unverified-token.ts';

/** A JWT that is good for the tenant, with the issuer that accepts it. */
export interface ReadToken {
  caller: UserCaller;
  issuer: KnownIssuer;
  /** The claims as the JWT has them. */
  claims: Readonly<Record<string, unknown>>;
}

/** What the checks of a JWT found, up to the first one that refuses. No text contains the JWT. */
export interface TokenReading {
  passed: { check: TokenCheck; because: string }[];
  /** The check that refuses, and what a request with the JWT is answered. */
  refused?: { check: TokenCheck; because: string; problem: Problem };
  read?: ReadToken;
}

/** An issuer of the tenant. */
export type NamedIssuer = FoundIssuer & { issuer: string };

/** Says what the service makes of a JWT, check by check, and what each check found. */
@Injectable()
export class TokenReader {
  constructor(
    private readonly reads: ReadDatabase,
    private readonly issuers: IssuerDirectory,
    private readonly candidates: Candidates,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * Reads a JWT for the tenant of the caller. It asks no issuer of another tenant, so a JWT of theirs is like one of nobody.
   * @throws Problem `unavailable` if the database cannot be reached.
   */
  async read(caller: TenantCaller, token: string): Promise<TokenReading> {
    const passed: TokenReading['passed'] = [];
    try {
      const unverified = readUnverified(token);
      passed.push({ check: 'token_form', because: `It is a JWT that is signed with ${unverified.algorithm}.` });
      const ofTenant = await this.issuersOf(caller);
      const ofName = named(unverified, ofTenant);
      passed.push({ check: 'token_issuer', because: `The tenant has an issuer of this name: ${idsOf(ofName)}.` });
      const fitting = fittingOf(unverified, ofName);
      passed.push({ check: 'token_audience', because: `The JWT is for the audience of ${idsOf(fitting)}.` });
      return await this.verify(passed, token, unverified, fitting);
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'unauthenticated') throw error;
      return refuse(passed, error);
    }
  }

  private async issuersOf({ ...caller }: TenantCaller): Promise<NamedIssuer[]> {
    return await this.reads.inTenantOf(caller, (tx) =>
      tx.issuer.findMany({
        where: { tenantId: caller.tenantId },
        select: { tenantId: true, id: true, version: true, issuer: true, audience: true, audienceClaim: true },
        orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
      }),
    );
  }

  private async verify(
    passed: TokenReading['passed'],
    token: string,
    unverified: UnverifiedToken,
    fitting: NamedIssuer[],
  ): Promise<TokenReading> {
    const now = this.clock.now();
    const asked = { token, unverified, now, failed: new Set<KeyObject>() };
    const outcome = await this.candidates.tryTenant(fitting, asked);
    if (!outcome || outcome.kind === 'refused') {
      return refuse(passed, outcome?.problem ?? refused('The issuer of the token was deleted a moment ago.'));
    }
    if (outcome.kind === 'unknown') return refuse(passed, outcome.problem);
    const { claims } = unverified;
    const failing = outcome.kind === 'unfit' ? checkThatFails(claims, outcome.issuer?.maxLifeSeconds, now) : undefined;
    const { problem } = outcome.kind === 'unfit' ? outcome : { problem: undefined };
    for (const [check, because] of [
      ['token_signature', 'A key of the issuer verifies the signature.'],
      ['token_times', whatTimesSay(claims, now)],
      ['token_kind', 'It is a bearer token, and no refresh token or logout token.'],
    ] as const) {
      if (problem && check === failing) return refuse(passed, problem, check === 'token_times' ? because : '');
      passed.push({ check, because });
    }
    if (problem) return refuse(passed, problem);
    if (outcome.kind !== 'verified') throw new Error('a token was neither verified nor refused');
    return await this.accept(passed, outcome.caller, fitting, claims);
  }

  private async accept(
    passed: TokenReading['passed'],
    caller: UserCaller,
    fitting: NamedIssuer[],
    claims: Record<string, unknown>,
  ): Promise<TokenReading> {
    const found = fitting.find((one) => one.id === caller.issuerId);
    const issuer = found && (await this.issuers.read(found));
    if (!issuer) return refuse(passed, refused('The issuer of the token was deleted a moment ago.'));
    const prefix = issuer.userIdPrefix === '' ? '' : ` behind the prefix ${issuer.userIdPrefix}`;
    const because = `The claim ${issuer.claims.userId} holds the user id${prefix}.`;
    passed.push({ check: 'token_user_id', because });
    return { passed, read: { caller, issuer, claims } };
  }
}

/** The issuers of the tenant that have the name in the JWT. @throws Problem `unauthenticated` if there is none. */
function named({ issuer }: UnverifiedToken, all: NamedIssuer[]): NamedIssuer[] {
  const found = all.filter((one) => one.issuer === issuer);
  if (found.length === 0) throw refused(whichIssuers(issuer, all));
  return found;
}

/** Those of them that want an audience that the JWT has. @throws Problem `unauthenticated` if there is none. */
function fittingOf({ claims }: UnverifiedToken, ofName: NamedIssuer[]): NamedIssuer[] {
  const found = ofName.filter((one) => hasAudience(claims, one));
  if (found.length === 0) throw refused(whyNotFor(ofName, claims));
  return found;
}

/** Ends a reading with the check that comes next. `more` is what was found, beside the words of the problem. */
function refuse(passed: TokenReading['passed'], problem: Problem, more = ''): TokenReading {
  const check = tokenChecks[passed.length] ?? 'token_user_id';
  return { passed, refused: { check, because: `${problem.detail} ${more}`.trim(), problem } };
}

function idsOf(issuers: NamedIssuer[]): string {
  return issuers.map(({ id }) => id).join(', ');
}
