import ipaddr from 'ipaddr.js';
import type { KeyBounds } from '../caller.ts';
import { Problem } from '../errors.ts';

/** Whether a text is an IP address, or a range of them in CIDR notation. */
export function isAddressRange(text: string): boolean {
  return ipaddr.isValidCIDR(text) || (ipaddr.isValid(text) && /[.:].*[.:]/.test(text));
}

/** Whether an address is in one of the ranges. An IPv4 address written as IPv6 counts as IPv4. */
export function isInRanges(address: string, ranges: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  return ranges.some((range) => {
    const [network, bits] = parseRange(range);
    return network.kind() === parsed.kind() && parsed.match(network, bits);
  });
}

/** @throws Problem `forbidden` if a key is bound to addresses, and is used from another one. */
export function assertFromItsAddress({ sourceAddresses }: KeyBounds, address: string): void {
  if (sourceAddresses === undefined || isInRanges(address, sourceAddresses)) return;
  throw new Problem('forbidden', 'This API key cannot be used from this address.');
}

/** Whether whoever is bound by `inner` is bound by `outer` too. */
export function isWithin(inner: KeyBounds, outer: KeyBounds): boolean {
  return (
    isSubset(inner.roles, outer.roles, (one, all) => all.includes(one)) &&
    isSubset(inner.spaceIds, outer.spaceIds, (one, all) => all.includes(one)) &&
    isSubset(inner.sourceAddresses, outer.sourceAddresses, isRangeInRanges)
  );
}

function isSubset(
  inner: readonly string[] | undefined,
  outer: readonly string[] | undefined,
  isIn: (one: string, all: readonly string[]) => boolean,
): boolean {
  return outer === undefined || (inner?.every((one) => isIn(one, outer)) ?? false);
}

function isRangeInRanges(range: string, ranges: readonly string[]): boolean {
  const [network, bits] = parseRange(range);
  return ranges.some((one) => {
    const [outer, outerBits] = parseRange(one);
    return outer.kind() === network.kind() && outerBits <= bits && network.match(outer, outerBits);
  });
}

function parseRange(range: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (range.includes('/')) return ipaddr.parseCIDR(range);
  const address = ipaddr.process(range);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}
