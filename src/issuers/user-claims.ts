import { z } from 'zod';
import { text, userId } from '../http/text.ts';
import { refused } from './unverified-token.ts';

/** Where in the claims of an issuer's tokens things are. */
export interface ClaimPaths {
  userId: string;
  role?: string | undefined;
  name?: string | undefined;
}

/** Longest from `iat` to `exp`. A stolen token should not open doors for longer than a day. */
export const maxLifeSeconds = 24 * 3_600;

/** How far clocks may be apart, for `iat` and `nbf`. `exp` is taken at its word: refusing early does no harm. */
export const clockToleranceSeconds = 60;

const times = z.object({ exp: z.number(), iat: z.number(), nbf: z.number().optional() });

// A role that is not the tenant's is ignored later; here it only has to be something the database can compare.
const optionalText = text(0, 256).nullish();

/** Whom the verified claims of a token are about. */
export interface TokenUser {
  id: string;
  role: string | undefined;
  claims: Readonly<Record<string, unknown>>;
}

/**
 * The value at a dotted path of own members of objects. Names may themselves hold dots (`https://example.com/role`): at
 * each step the longest name that is there counts.
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

/** How many parts of the path, from its start, name a member of `value`. */
function namesIn(value: unknown, parts: readonly string[]): number[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return parts.map((_, index) => index + 1).filter((count) => Object.hasOwn(value, parts.slice(0, count).join('.')));
}

/**
 * Checks when verified claims are valid.
 * @returns the time they expire, in seconds since 1970.
 * @throws Problem `unauthenticated`
 */
export function checkTimes(claims: Record<string, unknown>, nowSeconds: number): number {
  const parsed = times.safeParse(claims);
  if (!parsed.success) {
    const name = String(parsed.error.issues[0]?.path[0]);
    throw refused(`The token's ${name} must be there, as a number of seconds since 1970.`);
  }
  const { exp, iat, nbf } = parsed.data;
  if (exp <= nowSeconds) throw refused('The token has expired.');
  const latest = nowSeconds + clockToleranceSeconds;
  if (iat > latest || (nbf !== undefined && nbf > latest)) throw refused('The token is not valid yet.');
  if (exp - iat > maxLifeSeconds) throw refused('The token lives too long: exp may be at most 24 hours after iat.');
  return exp;
}

/**
 * Reads the user from verified claims. Every value is checked for its type: `sub` may be an object in a token that is
 * validly signed.
 * @throws Problem `unauthenticated`
 */
export function readUser(claims: Record<string, unknown>, paths: ClaimPaths, userIdPrefix: string): TokenUser {
  if (isRefreshToken(claims)) throw refused('This is a refresh token. Send an access token or an ID token.');
  const subject = claimAt(claims, paths.userId);
  const id = userId.safeParse(typeof subject === 'string' && subject !== '' ? userIdPrefix + subject : subject);
  if (!id.success) {
    throw refused(`The token's user id (${paths.userId}) must be a string of 1 to 128 characters, with its prefix.`);
  }
  const role = paths.role === undefined ? undefined : textAt(claims, paths.role);
  const name = paths.name === undefined ? undefined : textAt(claims, paths.name);
  return { id: id.data, role, claims: paths.name === undefined ? claims : withName(claims, name) };
}

/** Some providers sign refresh tokens with the same key, for the same audience. */
function isRefreshToken({ typ, token_use: use }: Record<string, unknown>): boolean {
  return typ === 'Refresh' || typ === 'Offline' || use === 'refresh';
}

function textAt(claims: Record<string, unknown>, path: string): string | undefined {
  const value = optionalText.safeParse(claimAt(claims, path));
  if (!value.success) throw refused(`The token's claim ${path} must be a string of at most 256 characters, or absent.`);
  return value.data ?? undefined;
}

/** Templates name claims as `claims.name`; what the issuer's path says is the name takes that place. */
function withName(claims: Record<string, unknown>, name: string | undefined): Record<string, unknown> {
  const { name: _, ...others } = claims;
  return name === undefined ? others : { ...others, name };
}
