import { Agent, request } from 'undici';
import { faultOfUrl } from '../outgoing/addresses.ts';
import { type OutgoingOptions, pinnedTo, resolve } from '../outgoing/resolve.ts';
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
 * Fetches a JWKS from a URL that a tenant chose, and that may be hostile. The name is resolved once, and the connection
 * goes to an address that was checked. Redirects are not followed. Time and size are limited.
 *
 * @throws {Error} with the reason, for the log only: a tenant could use it to explore the service's network. `faultOf` makes
 * a reason of it that a tenant may see.
 */
export async function fetchJwks(uri: string, options: OutgoingOptions): Promise<Jwks> {
  const fault = faultOfUrl(uri, options.allowPrivateAddresses);
  if (fault !== undefined) throw new Error(`the JWKS URL ${fault}`);
  const signal = AbortSignal.timeout(fetchDeadlineMs);
  const addresses = await resolve(new URL(uri), options, signal);
  // One agent for each fetch: fetches are rare, and so no connection stays open after its fetch.
  const agent = new Agent({
    connect: { timeout: fetchDeadlineMs, lookup: pinnedTo(addresses) },
    maxResponseSize: maxJwksBytes,
  });
  try {
    const answer = await request(uri, {
      dispatcher: agent,
      signal,
      headers: { accept: 'application/jwk-set+json, application/json', 'accept-encoding': 'identity' },
    });
    const { statusCode } = answer;
    if (statusCode !== 200) throw new KeyFetchError(faultOfStatus(statusCode), `the JWKS URL answered ${statusCode}`);
    // undici's `request` does not decompress. So `maxResponseSize` also limits the decoded size.
    const encoding = answer.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') {
      throw new KeyFetchError('compressed', 'the JWKS came compressed');
    }
    return readJwks(await answer.body.text());
  } finally {
    void agent.destroy().catch(() => undefined);
  }
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
