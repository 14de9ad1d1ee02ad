import { Problem } from '../errors.ts';
import { type Algorithm, algorithms } from './algorithms.ts';
import { maxKidLength } from './public-keys.ts';

/** Largest token; a JWT has to fit into a header, and proxies commonly stop at 8 or 16 kB. */
export const maxTokenLength = 16 * 1024;

/** Largest JOSE header, as it is in the token. */
const maxHeaderLength = 8 * 1024;

/** Longest issuer or audience: see the schema of issuers, which lets none be longer. */
const maxNameLength = 512;

/** Most audiences of one token. */
const maxAudiences = 20;

/** Header members that ask for another way of reading the token, which would have to be understood. */
const refusedMembers = ['crit', 'b64', 'enc', 'zip'];

/** `typ` values of tokens that say who somebody is; others, such as logout or DPoP tokens, mean something else. */
const acceptedTypes = new Set(['jwt', 'at+jwt']);

/** What a token says of itself before anybody has looked at its signature: enough to find who could have signed it. */
export interface UnverifiedToken {
  algorithm: Algorithm;
  kid: string | undefined;
  issuer: string;
  audiences: string[];
}

/** The one refusal of every token that is not good, with a reason that helps who made it. It never repeats the token. */
export function refused(detail: string, cause?: unknown): Problem {
  return new Problem('unauthenticated', detail, { cause });
}

/**
 * Reads what is needed to select the issuer. Cheap, and strict: what is not plainly a signed JWT goes no further. Keys
 * and addresses of keys in the header (`jwk`, `jku`, `x5c`, `x5u`) are not even looked at.
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

function readClaims(claims: Record<string, unknown>): Pick<UnverifiedToken, 'issuer' | 'audiences'> {
  const { iss, aud } = claims;
  if (!isName(iss)) throw refused('The token must name its issuer (iss).');
  const audiences = Array.isArray(aud) ? (aud as unknown[]) : [aud];
  if (audiences.length === 0 || audiences.length > maxAudiences || !audiences.every(isName)) {
    throw refused(`The token must name 1 to ${maxAudiences} audiences (aud).`);
  }
  return { issuer: iss, audiences };
}

/** A text that could be a registered name. Postgres would not take the others. */
function isName(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= maxNameLength &&
    !value.includes('\0') &&
    value.isWellFormed()
  );
}

function baseType(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, '');
}

function parse(part: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // The same answer as for JSON that is no object.
  }
  throw refused('The token is not a JWT: its header and claims must be JSON objects.');
}
