import { checkedRequest, isCompressed } from '../outgoing/checked-fetch.ts';
import type { OutgoingOptions } from '../outgoing/resolve.ts';
import { type KeyFault, KeyFetchError } from './key-faults.ts';
import { maxKeys, type PublicKey, usableKeys } from './public-keys.ts';

/** Deadline of a fetch in milliseconds, from resolving the name to the last byte of the answer. */
export const fetchDeadlineMs = 3_000;

/** Maximum size of the answer, in bytes. */
export const maxJwksBytes = 64 * 1024;

/** A set of keys that was fetched. */
export interface Jwks {
  /** The keys that can verify. */
  keys: PublicKey[];
  /** Number of all keys in the set. */
  served: number;
}

/**
 * Fetches a JWKS from a URL that a tenant chose, and that may be hostile (`checkedRequest`).
 *
 * @throws {Error} with the reason, for the log only: a tenant could use it to explore the service's network. `faultOf` makes
 * a reason of it that a tenant may see.
 */
export async function fetchJwks(uri: string, options: OutgoingOptions): Promise<Jwks> {
  const asked = {
    method: 'GET',
    headers: { accept: 'application/jwk-set+json, application/json' },
    body: null,
    deadlineMs: fetchDeadlineMs,
    maxAnswerBytes: maxJwksBytes,
  };
  return await checkedRequest(uri, asked, options, async (answer) => {
    const { statusCode } = answer;
    if (statusCode !== 200) throw new KeyFetchError(faultOfStatus(statusCode), `the JWKS URL answered ${statusCode}`);
    if (isCompressed(answer)) throw new KeyFetchError('compressed', 'the JWKS came compressed');
    return readJwks(await answer.body.text());
  });
}

/** Reads a JWKS. An empty set is valid: a provider withdraws all keys with it. @throws {Error} if the text is no JWKS */
export function readJwks(json: string): Jwks {
  const value = parse(json);
  const keys = typeof value === 'object' && value !== null && 'keys' in value ? value.keys : undefined;
  if (!Array.isArray(keys)) throw new KeyFetchError(kindOf(value), 'the answer is not a JWKS');
  if (keys.length > maxKeys) throw new KeyFetchError('too_large', `the JWKS has more than ${maxKeys} keys`);
  return { keys: usableKeys(keys), served: keys.length };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new KeyFetchError('not_json', 'the answer is not JSON', { cause: error });
  }
}

/** What a document is that was taken for a JWKS. Google publishes certificates by their key ids beside each JWKS. */
function kindOf(value: unknown): KeyFault {
  if (typeof value !== 'object' || value === null) return 'not_jwks';
  if ('jwks_uri' in value) return 'discovery_document';
  const members = Object.values(value);
  const areCertificates = members.every((one) => typeof one === 'string' && one.startsWith('-----BEGIN CERTIFICATE'));
  return members.length > 0 && areCertificates ? 'x509_certificates' : 'not_jwks';
}

function faultOfStatus(status: number): KeyFault {
  if (status >= 300 && status < 400) return 'redirect';
  return status === 404 || status === 410 ? 'not_found' : 'error_status';
}
