import { lookup, Resolver } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { isGlobalAddress, literalAddress } from './addresses.ts';

/** Where the service may call a URL that a tenant chose. */
export interface OutgoingOptions {
  /** Also allows plain HTTP, other ports and addresses outside the public internet. For local development. */
  allowPrivateAddresses: boolean;
  /** DNS servers to use instead of those of the system, as `address:port`. */
  dnsServers?: readonly string[];
}

/** A name leads to an address that is not public. The message is for the log only. */
export class RefusedAddress extends Error {}

interface Address {
  address: string;
  family: 4 | 6;
}

/**
 * The addresses of the host of a URL, for a connection with `pinnedTo`. A name is resolved once, so what was checked is what
 * is connected to.
 * @throws {Error} with the reason, for the log only: a tenant could use it to explore the service's network.
 */
export async function resolve(url: URL, options: OutgoingOptions, signal: AbortSignal): Promise<Address[]> {
  const literal = literalAddress(url); // faultOfUrl has checked it
  if (literal !== undefined) return [{ address: literal, family: literal.includes(':') ? 6 : 4 }];
  if (options.allowPrivateAddresses && !options.dnsServers) {
    // Local names are in the hosts file. Only the look-up of the system reads it.
    return (await lookup(url.hostname, { all: true })) as Address[];
  }
  const addresses = await askDns(url.hostname, options.dnsServers, signal);
  const refused = addresses.find(({ address }) => !isGlobalAddress(address));
  if (refused && !options.allowPrivateAddresses) {
    throw new RefusedAddress(`${url.hostname} resolves to ${refused.address}, which is not public`);
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
export function pinnedTo(addresses: readonly Address[]): LookupFunction {
  return (hostname, { all }, callback) => {
    const [first] = addresses;
    if (!first) callback(new Error(`${hostname} cannot be resolved`), '', 0);
    else if (all) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
}

/**
 * A look-up that resolves and checks a name for each new connection, so that connections can be kept open and used again. An
 * address in a URL is not looked up: `faultOfUrl` checks it.
 * @param timeoutMs longest time of a look-up, in milliseconds.
 */
export function checkedLookup(options: OutgoingOptions, timeoutMs: number): LookupFunction {
  return (hostname, lookupOptions, callback) => {
    const addresses = resolve(new URL(`http://${hostname}`), options, AbortSignal.timeout(timeoutMs));
    void answer(addresses, hostname, lookupOptions, callback);
  };
}

async function answer(found: Promise<Address[]>, ...[hostname, options, callback]: Parameters<LookupFunction>) {
  const addresses = await found.catch((error: NodeJS.ErrnoException) => error);
  if (addresses instanceof Error) callback(addresses, '', 0);
  else pinnedTo(addresses)(hostname, options, callback);
}
