import { isAddressRange, isInRanges, isWithin } from './key-bounds.ts';

it.each([
  ['10.0.0.1', ['10.0.0.1'], true],
  ['10.0.0.2', ['10.0.0.1'], false],
  ['10.9.8.7', ['10.0.0.0/8'], true],
  ['11.0.0.1', ['192.168.0.0/16', '10.0.0.0/8'], false],
  ['::ffff:10.9.8.7', ['10.0.0.0/8'], true],
  ['2001:db8::7', ['2001:db8::/32'], true],
  ['2001:db9::7', ['2001:db8::/32', '10.0.0.0/8'], false],
  ['10.9.8.7', ['::/0'], false],
  ['10.9.8.7', ['::ffff:10.9.8.7'], true],
  ['nonsense', ['0.0.0.0/0'], false],
])('%s is in %j: %j', (address, ranges, is) => {
  expect(isInRanges(address, ranges)).toBe(is);
});

it.each(['10.0.0.1', '10.0.0.0/8', '::1', '2001:db8::/32'])('%s is a range of addresses', (range) => {
  expect(isAddressRange(range)).toBe(true);
});

it.each(['2', '10', 'host.example', '10.0.0.0/33', '10.0.0.1-10.0.0.9', '', '0x7f000001'])('%j is none', (range) => {
  expect(isAddressRange(range)).toBe(false);
});

it.each([
  [{}, {}, true],
  [{ roles: ['a'] }, {}, true],
  [{}, { roles: ['a'] }, false],
  [{ roles: ['a'] }, { roles: ['a', 'b'] }, true],
  [{ roles: ['a', 'c'] }, { roles: ['a', 'b'] }, false],
  [{ roles: ['a'], spaceIds: ['s'] }, { roles: ['a'], spaceIds: ['t'] }, false],
  [{ sourceAddresses: ['10.1.0.0/16', '10.2.3.4'] }, { sourceAddresses: ['10.0.0.0/8'] }, true],
  [{ sourceAddresses: ['10.0.0.0/7'] }, { sourceAddresses: ['10.0.0.0/8'] }, false],
  [{ sourceAddresses: ['::/0'] }, { sourceAddresses: ['0.0.0.0/0'] }, false],
])('who is bound by %j is bound by %j: %j', (inner, outer, is) => {
  expect(isWithin(inner, outer)).toBe(is);
});
