import { lookup, Resolver } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import { faultOfJwksUri, isGlobalAddress, literalAddress } from './addresses.ts';
import { maxKeys, type PublicKey, usableKeys } from './public-keys.ts';

/** Longest for everything: resolving, connecting, and the last byte of the answer. */
export const fetchDeadlineMs = 3_000;

/** Largest answer, in bytes. */
export const maxJwksBytes = 64 * 1024;

export interface FetchOptions {
  /** For local work: also plain HTTP, any port, and addresses that are not on the public internet. */
  allowPrivateAddresses: boolean;
  /** DNS servers to ask instead of the system's, as `address:port`. */
  dnsServers?: readonly string[];
}

interface Address {
  address: string;
  family: 4 | 6;
}

/**
 * Fetches a JWKS from a URL a tenant chose, which may be hostile: the name is resolved once and the connection goes to
 * the address that was looked at, redirects are not followed, and time and size are bounded.
 *
 * @throws an Error that says what is wrong, for the log: callers could use it to map our network.
 */
export async function fetchJwks(uri: string, options: FetchOptions): Promise<PublicKey[]> {
  const fault = faultOfJwksUri(uri, options.allowPrivateAddresses);
  if (fault !== undefined) throw new Error(`the JWKS URL ${fault}`);
  const signal = AbortSignal.timeout(fetchDeadlineMs);
  const addresses = await resolve(new URL(uri), options, signal);
  // One for each fetch: fetches are rare, and nothing a server holds open outlives its own.
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
    if (answer.statusCode !== 200) throw new Error(`the JWKS URL answered ${answer.statusCode}`);
    // undici's request does not decode, so the limit on bytes is one on what they mean, too.
    const encoding = answer.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') throw new Error('the JWKS came compressed');
    return readJwks(await answer.body.text());
  } finally {
    void agent.destroy().catch(() => undefined);
  }
}

/** @throws if the text is no JWKS. An empty set is one: that is how a provider withdraws all of its keys. */
export function readJwks(json: string): PublicKey[] {
  const value: unknown = JSON.parse(json);
  const keys = typeof value === 'object' && value !== null && 'keys' in value ? value.keys : undefined;
  if (!Array.isArray(keys)) throw new Error('the answer is not a JWKS');
  if (keys.length > maxKeys) throw new Error(`the JWKS has more than ${maxKeys} keys`);
  return usableKeys(keys);
}

async function resolve(url: URL, options: FetchOptions, signal: AbortSignal): Promise<Address[]> {
  const literal = literalAddress(url); // faultOfJwksUri has looked at it
  if (literal !== undefined) return [{ address: literal, family: literal.includes(':') ? 6 : 4 }];
  if (options.allowPrivateAddresses && !options.dnsServers) {
    // Local names stand in the hosts file, which only the system's own look-up reads.
    return (await lookup(url.hostname, { all: true })) as Address[];
  }
  const addresses = await askDns(url.hostname, options.dnsServers, signal);
  const inward = addresses.find(({ address }) => !isGlobalAddress(address));
  if (inward && !options.allowPrivateAddresses) throw new Error(`${url.hostname} is at ${inward.address}`);
  return addresses;
}

/**
 * Asks DNS from this thread. The system's look-up would take one of the process's few worker threads for as long as a
 * tenant's name server cares to wait, and verifying signatures needs them.
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

/** Gives the addresses that were looked at to whoever connects; a second resolution could say something else. */
function pinnedTo(addresses: readonly Address[]): LookupFunction {
  return (hostname, { all }, callback) => {
    const [first] = addresses;
    if (!first) callback(new Error(`${hostname} cannot be resolved`), '', 0);
    else if (all) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
}
