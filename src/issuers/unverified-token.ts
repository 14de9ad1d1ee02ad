import { Problem } from '../errors.ts';
import { type Algorithm, algorithms } from './algorithms.ts';
import { isName, maxAudiences } from './names.ts';
import { maxKidLength } from './public-keys.ts';

/** Maximum length of a JWT. It must fit into a header, and common proxies accept 8 or 16 kB. */
export const maxTokenLength = 16 * 1024;

/** Maximum length of the JOSE header, in its base64url form. */
const maxHeaderLength = 8 * 1024;

/** Header members that change how a token is read. Stagedoor does not support them. */
const refusedMembers = ['crit', 'b64', 'enc', 'zip'];

/** Values of `typ` for tokens that identify a user. Logout tokens and DPoP proofs, for example, have others. */
const acceptedTypes = new Set(['jwt', 'at+jwt']);

/** The parts of a JWT that select its issuer and key. Nobody has checked the signature yet: do not trust them. */
export interface UnverifiedToken {
  algorithm: Algorithm;
  kid: string | undefined;
  issuer: string;
  claims: Record<string, unknown>;
}

/** The refusal of a JWT. `detail` helps the developer who made the token; it must not contain the token. */
export function refused(detail: string, cause?: unknown): Problem {
  return new Problem('unauthenticated', detail, { cause });
}

/**
 * Reads the parts of a JWT that select its issuer and key. It is strict, so that only signed JWTs cause more work. Keys
 * and URLs of keys in the header (`jwk`, `jku`, `x5c`, `x5u`) are ignored.
 *
 * @throws Problem `unauthenticated`
 */
export function readUnverified(token: string): UnverifiedToken {
  if (token.length > maxTokenLength) throw refused(`The token is longer than ${maxTokenLength} characters.`);
  const [, header, payload] = /^([\w-]+)\.([\w-]+)\.[\w-]+$/.exec(token) ?? [];
  if (header === undefined || payload === undefined) throw refused('The token is not a JWT with a signature.');
  if (header.length > maxHeaderLength)
    throw refused(`The token's header is longer than ${maxHeaderLength} characters.`);
  return { ...readHeader(parse(header)), ...readClaims(parse(payload)) };
}

function readHeader(header: Record<string, unknown>): Pick<UnverifiedToken, 'algorithm' | 'kid'> {
  const asked = refusedMembers.find((name) => Object.hasOwn(header, name));
  if (asked !== undefined) throw refused(`The token's header has ${asked}, which is not accepted.`);
  const { alg, kid, typ } = header;
  const algorithm = algorithms.find((known) => known === alg);
  if (algorithm === undefined) throw refused("The token's algorithm is not accepted.");
  if (kid !== undefined && (typeof kid !== 'string' || kid === '' || kid.length > maxKidLength)) {
    throw refused(`The token's kid must be a string of 1 to ${maxKidLength} characters.`);
  }
  if (typ !== undefined && (typeof typ !== 'string' || !acceptedTypes.has(baseType(typ)))) {
    throw refused("The token's typ must be JWT or at+jwt, or absent.");
  }
  return { algorithm, kid };
}

function readClaims(claims: Record<string, unknown>): Pick<UnverifiedToken, 'issuer' | 'claims'> {
  const { iss, aud } = claims;
  if (!isName(iss)) throw refused('The token must name its issuer (iss).');
  if (aud === undefined) return { issuer: iss, claims };
  const audiences = Array.isArray(aud) ? (aud as unknown[]) : [aud];
  if (audiences.length === 0 || audiences.length > maxAudiences || !audiences.every(isName)) {
    throw refused(`The token must name 1 to ${maxAudiences} audiences (aud).`);
  }
  return { issuer: iss, claims };
}

function baseType(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, '');
}

function parse(part: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Invalid JSON gets the same answer as JSON that is no object.
  }
  throw refused('The token is not a JWT: its header and claims must be JSON objects.');
}
