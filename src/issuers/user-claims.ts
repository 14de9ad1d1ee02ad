import { z } from 'zod';
import { text, userId } from '../http/text.ts';
import { roleName } from '../roles/roles.schemas.ts';
import { refused } from './unverified-token.ts';

/** Dotted paths of the claims that Stagedoor reads from the JWTs of an issuer. */
export interface ClaimPaths {
  userId: string;
  role?: string | undefined;
  name?: string | undefined;
}

/** What an issuer says about the claims of its JWTs. */
export interface ClaimRules {
  claims: ClaimPaths;
  /** Values of the role claim, each with the name of the role that it stands for. */
  roles: Readonly<Record<string, string>>;
  /** The service puts it before each user id. */
  userIdPrefix: string;
}

/** Maximum length of a path of a claim. */
export const maxPathLength = 256;

/** Maximum number of values of a role claim that are read. The rest is ignored. */
export const maxRoleValues = 200;

/** Maximum length of a value of a role claim. A longer one is ignored. */
export const maxRoleValueLength = 256;

/** Maximum time from `iat` to `exp` unless the issuer says otherwise, in seconds. A stolen JWT is usable as long. */
export const defaultMaxLifeSeconds = 24 * 3_600;

/** Tolerated difference of clocks in seconds, for `iat` and `nbf`. `exp` gets none: an early refusal does no harm. */
export const clockToleranceSeconds = 60;

const times = z.object({ exp: z.number(), iat: z.number(), nbf: z.number().optional() });

const name = text(0, 256);

/** The user that the verified claims of a JWT describe. */
export interface TokenUser {
  id: string;
  /** Names of the roles that the JWT claims. The tenant need not have them. */
  roles: string[];
  claims: Readonly<Record<string, unknown>>;
  /** As of a `UserCaller`. */
  name: string | null | undefined;
}

/** Whether a text can be a path of a claim: at most 10 names with dots between them. */
export function isClaimPath(path: string): boolean {
  const names = path.split('.');
  return path.length <= maxPathLength && names.length <= 10 && !names.includes('');
}

/**
 * The value at a dotted path; undefined if there is none. Names of claims may contain dots (`https://example.com/role`).
 * Therefore each step takes the longest name that exists.
 */
export function claimAt(claims: unknown, path: string): unknown {
  let value = claims;
  let rest = path.split('.');
  while (rest.length > 0) {
    const names = namesIn(value, rest);
    const longest = names.at(-1);
    if (longest === undefined) return undefined;
    value = (value as Record<string, unknown>)[rest.slice(0, longest).join('.')];
    rest = rest.slice(longest);
  }
  return value;
}

/** Every number of leading parts of the path that together name an own member of `value`. */
function namesIn(value: unknown, parts: readonly string[]): number[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return parts.map((_, index) => index + 1).filter((count) => Object.hasOwn(value, parts.slice(0, count).join('.')));
}

/**
 * Checks the times in verified claims.
 * @returns the time at which they expire, in seconds since 1970.
 * @throws Problem `unauthenticated`
 */
export function checkTimes(
  claims: Record<string, unknown>,
  nowSeconds: number,
  maxLifeSeconds = defaultMaxLifeSeconds,
): number {
  const parsed = times.safeParse(claims);
  if (!parsed.success) {
    const name = String(parsed.error.issues[0]?.path[0]);
    throw refused(`The token's ${name} must be present, as a number of seconds since 1970.`);
  }
  const { exp, iat, nbf } = parsed.data;
  if (exp <= nowSeconds) throw refused('The token has expired.');
  const latest = nowSeconds + clockToleranceSeconds;
  if (iat > latest || (nbf !== undefined && nbf > latest)) throw refused('The token is not valid yet.');
  if (exp <= iat) throw refused('The token expires before it was issued: exp must be later than iat.');
  if (exp - iat > maxLifeSeconds) {
    const hours = maxLifeSeconds / 3_600;
    const most = Number.isInteger(hours) ? `${hours} hours` : `${maxLifeSeconds} seconds`;
    throw refused(`The token lives too long: exp may be at most ${most} after iat (maxLifeSeconds of its issuer).`);
  }
  return exp;
}

/**
 * Reads the user from verified claims. It checks the type of every value, because a validly signed token may hold any
 * JSON, such as an object in `sub`. A role or a name of another type counts as absent: providers put arrays, objects and
 * numbers there, and the user did nothing wrong.
 * @throws Problem `unauthenticated`
 */
export function readUser(claims: Record<string, unknown>, rules: ClaimRules): TokenUser {
  const { claims: paths, userIdPrefix } = rules;
  assertBearerToken(claims);
  const subject = claimAt(claims, paths.userId);
  const id = userId.safeParse(typeof subject === 'string' && subject !== '' ? userIdPrefix + subject : subject);
  if (!id.success) {
    throw refused(
      `The token's user id (${paths.userId}) must be a string of 1 to 128 characters, prefix included, and more than . or .. alone.`,
    );
  }
  const roles = paths.role === undefined ? [] : rolesNamedBy(claimAt(claims, paths.role), rules.roles);
  return { id: id.data, roles, claims, name: paths.name === undefined ? undefined : nameAt(claims, paths.name) };
}

/** Names of claims in which providers say what a token is for. */
const useClaims = ['typ', 'type', 'token_type', 'token_use'];

/** Kinds of tokens that some providers sign with the same key, for the same audience, and that name no user who calls. */
const otherUses: [RegExp, string][] = [
  [/^(refresh|offline)([ _-]?token)?$/i, 'This is a refresh token. Send an access token or an ID token.'],
  [/^logout([ _-]?token)?$/i, 'This is a logout token. Send an access token or an ID token.'],
];

/**
 * Checks that a token is for calling, and by whoever has it.
 * @throws Problem `unauthenticated` for refresh tokens, for logout tokens and other security events (RFC 8417), and for tokens
 * that are bound to a key of the client (`cnf`, RFC 7800): Stagedoor does not ask for the proof of DPoP or mutual TLS.
 */
export function assertBearerToken(claims: Record<string, unknown>): void {
  if (Object.hasOwn(claims, 'cnf')) {
    throw refused('The token is bound to a key of the client (cnf). Send a token that is not bound: a bearer token.');
  }
  if (Object.hasOwn(claims, 'events')) {
    throw refused('The token tells of events, as a logout token does. Send an access token or an ID token.');
  }
  for (const name of useClaims) {
    const use = claims[name];
    const [, detail] = otherUses.find(([form]) => typeof use === 'string' && form.test(use)) ?? [];
    if (detail !== undefined) throw refused(detail);
  }
}

/**
 * Names of the roles that a role claim names: a text, or an array of texts. A value that the issuer maps stands for that
 * role alone, and not for a role of its own name. What cannot be the name of a role is left out.
 */
function rolesNamedBy(claim: unknown, mapped: Readonly<Record<string, string>>): string[] {
  const values: unknown[] = Array.isArray(claim) ? claim.slice(0, maxRoleValues) : [claim];
  const names = values
    .filter((value): value is string => typeof value === 'string')
    .filter((value) => value.length <= maxRoleValueLength)
    .map((value) => (Object.hasOwn(mapped, value) ? mapped[value] : value));
  return [...new Set(names)].filter((name): name is string => roleName.safeParse(name).success);
}

function nameAt(claims: Record<string, unknown>, path: string): string | null {
  return name.safeParse(claimAt(claims, path)).data ?? null;
}
