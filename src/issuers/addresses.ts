import ipaddr from 'ipaddr.js';

/** Azure answers its own machines at this address, which no registry marks as special. */
const azureHost = '168.63.129.16';

const globalUnicastV6 = ipaddr.IPv6.parse('2000::');

/**
 * Whether an IP address belongs to one host on the public internet. Everything else is refused: a tenant must not make
 * the service speak to the networks it stands in, or to the metadata service of its cloud.
 */
export function isGlobalAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address); // an IPv4 address written as IPv6 counts as what it is
  if (parsed.range() !== 'unicast') return false;
  // Beyond 2000::/3 nothing is assigned, and ::127.0.0.1 and its like lie there.
  if (parsed instanceof ipaddr.IPv6) return parsed.match(globalUnicastV6, 3);
  return parsed.toString() !== azureHost;
}

/** The host of a URL if it is written as an address, without brackets. */
export function literalAddress(url: URL): string | undefined {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return ipaddr.isValid(host) ? host : undefined;
}

/**
 * Why a JWKS may not be fetched from there, or undefined. Asked when the URL is registered and again before every fetch;
 * a host given by name is looked at once it is resolved.
 */
export function faultOfJwksUri(uri: string, allowPrivateAddresses: boolean): string | undefined {
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

/** Names that are never public (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`), or are not names of the DNS at all. */
function isLocalName(hostname: string): boolean {
  const name = hostname.replace(/\.$/, '');
  return !name.includes('.') || /\.(localhost|local|internal|home\.arpa|onion|test|invalid)$/.test(name);
}
