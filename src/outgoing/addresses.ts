import ipaddr from 'ipaddr.js';

/** A service address of Azure that its virtual machines can reach. No registry marks it as special. */
const azureHost = '168.63.129.16';

const globalUnicastV6 = ipaddr.IPv6.parse('2000::');

/**
 * Whether an IP address belongs to a single host on the public internet. All other addresses are refused, so that a tenant
 * cannot make the service call its own network or the metadata service of its cloud.
 */
export function isGlobalAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address); // turns an IPv4 address written as IPv6 into IPv4
  if (parsed.range() !== 'unicast') return false;
  // Public hosts are in 2000::/3 only. Addresses such as ::127.0.0.1 are outside of it.
  if (parsed instanceof ipaddr.IPv6) return parsed.match(globalUnicastV6, 3);
  return parsed.toString() !== azureHost;
}

/** The host of a URL without brackets, if it is an IP address. Else undefined. */
export function literalAddress(url: URL): string | undefined {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return ipaddr.isValid(host) ? host : undefined;
}

/**
 * Why the service may not call this URL, which a tenant chose, or undefined if it may. Called when the URL is registered and
 * before every call. It does not resolve names: `resolve` checks the addresses of a name.
 */
export function faultOfUrl(uri: string, allowPrivateAddresses: boolean): string | undefined {
  if (!URL.canParse(uri)) return 'must be a URL';
  const url = new URL(uri);
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password';
  if (url.hash !== '') return 'must not have a fragment';
  if (allowPrivateAddresses) {
    return url.protocol === 'https:' || url.protocol === 'http:' ? undefined : 'must begin with https:// or http://';
  }
  if (url.protocol !== 'https:') return 'must begin with https://';
  if (url.port !== '') return 'must use port 443';
  const address = literalAddress(url);
  if (address !== undefined) return isGlobalAddress(address) ? undefined : 'must be at a public address';
  return isLocalName(url.hostname) ? 'must be at a public address' : undefined;
}

/** Whether a name is never public (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`), or is no DNS name. */
function isLocalName(hostname: string): boolean {
  const name = hostname.replace(/\.$/, '');
  return !name.includes('.') || /\.(localhost|local|internal|home\.arpa|onion|test|invalid)$/.test(name);
}
