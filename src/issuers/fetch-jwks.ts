import { lookup, Resolver } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import { faultOfJwksUri, isGlobalAddress, literalAddress } from './addresses.ts';
import { type KeyFault, KeyFetchError } from './key-faults.ts';
import { maxKeys, type PublicKey, usableKeys } from './public-keys.ts';

/** Deadline of a fetch in milliseconds, from resolving the name to the last byte of the answer. */
export const fetchDeadlineMs = 3_000;

/** Maximum size of the answer, in bytes. */
export const maxJwksBytes = 64 * 1024;

/** How keys may be fetched. */
export interface FetchOptions {
  /** Also allows plain HTTP, other ports and addresses outside the public internet. For local development. */
  allowPrivateAddresses: boolean;
  /** DNS servers to use instead of those of the system, as `address:port`. */
  dnsServers?: readonly string[];
}

/** A set of keys that was fetched. */
export interface Jwks {
  /** The keys that can verify. */
  keys: PublicKey[];
  /** Number of all keys in the set. */
  served: number;
}

interface Address {
  address: string;
  family: 4 | 6;
}

/**
 * Fetches a JWKS from a URL that a tenant chose, and that may be hostile. The name is resolved once, and the connection
 * goes to an address that was checked. Redirects are not followed. Time and size are limited.
 *
 * @throws {Error} with the reason, for the log only: a tenant could use it to explore the service's network. `faultOf` makes
 * a reason of it that a tenant may see.
 */
export async function fetchJwks(uri: string, options: FetchOptions): Promise<Jwks> {
  const fault = faultOfJwksUri(uri, options.allowPrivateAddresses);
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

async function resolve(url: URL, options: FetchOptions, signal: AbortSignal): Promise<Address[]> {
  const literal = literalAddress(url); // faultOfJwksUri has checked it
  if (literal !== undefined) return [{ address: literal, family: literal.includes(':') ? 6 : 4 }];
  if (options.allowPrivateAddresses && !options.dnsServers) {
    // Local names are in the hosts file. Only the look-up of the system reads it.
    return (await lookup(url.hostname, { all: true })) as Address[];
  }
  const addresses = await askDns(url.hostname, options.dnsServers, signal);
  const refused = addresses.find(({ address }) => !isGlobalAddress(address));
  if (refused && !options.allowPrivateAddresses) {
    throw new Error(`${url.hostname} resolves to ${refused.address}, which is not public`);
  }
  return addresses;
}

/**
 * Asks DNS servers directly. The look-up of the system would occupy one of the few worker threads of the process for as
 * long as the tenant's name server takes, and signing and verifying need these threads.
 */
async function askDns(name: string, servers: readonly string[] | undefined, signal: AbortSignal): Promise<Address[]> {
  const resolver = new Resolver({ timeout: 1_000, tries: 2 });
  if (servers) resolver.setServers(servers);
  const cancel = () => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    const addresses: Address[] = [
      ...(v4.status === 'fulfilled' ? v4.value.map((address) => ({ address, family: 4 as const })) : []),
      ...(v6.status === 'fulfilled' ? v6.value.map((address) => ({ address, family: 6 as const })) : []),
    ];
    if (addresses.length === 0)
      throw new Error(`${name} cannot be resolved`, { cause: v4.status === 'rejected' && v4.reason });
    return addresses;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

/** A look-up that answers with the checked addresses. A second resolution could give other addresses. */
function pinnedTo(addresses: readonly Address[]): LookupFunction {
  return (hostname, { all }, callback) => {
    const [first] = addresses;
    if (!first) callback(new Error(`${hostname} cannot be resolved`), '', 0);
    else if (all) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
}
