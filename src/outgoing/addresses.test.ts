import { faultOfUrl, isGlobalAddress } from './addresses.ts';

describe('a URL at one of these places is refused', () => {
  it.each([
    // loopback, however it is written
    'https://127.0.0.1/jwks',
    'https://127.1/jwks',
    'https://2130706433/jwks',
    'https://0x7f000001/jwks',
    'https://0x7f.1/jwks',
    'https://0177.0.0.1/jwks',
    'https://017700000001/jwks',
    'https://127.0.0.1./jwks',
    'https://127.255.255.254/jwks',
    'https://１２７.０.０.１/jwks',
    'https://127。0。0。1/jwks',
    'https://[::1]/jwks',
    'https://[0:0:0:0:0:0:0:1]/jwks',
    'https://[::ffff:127.0.0.1]/jwks',
    'https://[::ffff:7f00:1]/jwks',
    'https://[::127.0.0.1]/jwks',
    'https://localhost/jwks',
    'https://LOCALHOST/jwks',
    'https://localhost./jwks',
    'https://a.localhost/jwks',
    'https://%6c%6f%63%61%6c%68%6f%73%74/jwks',
    // nowhere
    'https://0.0.0.0/jwks',
    'https://0/jwks',
    'https://[::]/jwks',
    'https://255.255.255.255/jwks',
    'https://224.0.0.1/jwks',
    'https://[ff02::1]/jwks',
    // private networks
    'https://10.0.0.1/jwks',
    'https://172.16.0.1/jwks',
    'https://172.31.255.255/jwks',
    'https://192.168.0.1/jwks',
    'https://100.64.0.1/jwks',
    'https://198.18.0.1/jwks',
    'https://192.0.2.1/jwks',
    'https://240.0.0.1/jwks',
    'https://[fc00::1]/jwks',
    'https://[fd12:3456::1]/jwks',
    'https://[fe80::1]/jwks',
    'https://[fec0::1]/jwks',
    'https://[::ffff:10.0.0.1]/jwks',
    'https://[::ffff:0:10.0.0.1]/jwks',
    'https://[64:ff9b::10.0.0.1]/jwks',
    'https://[64:ff9b:1::10.0.0.1]/jwks',
    'https://[2002:a00:1::]/jwks',
    'https://[2001:0:a00:1::]/jwks',
    'https://[2001:db8::1]/jwks',
    'https://router/jwks',
    'https://db.internal/jwks',
    'https://printer.local/jwks',
    'https://nas.home.arpa/jwks',
    // metadata services of clouds
    'https://169.254.169.254/latest/meta-data/',
    'https://0xa9fea9fe/latest/meta-data/',
    'https://2852039166/latest/meta-data/',
    'https://0251.0376.0251.0376/latest/meta-data/',
    'https://[::ffff:169.254.169.254]/latest/meta-data/',
    'https://[fd00:ec2::254]/latest/meta-data/',
    'https://169.254.170.2/v2/credentials',
    'https://100.100.100.200/latest/meta-data/',
    'https://168.63.129.16/machine',
    'https://metadata.google.internal/computeMetadata/v1/',
    // other schemes, ports and parts
    'http://login.example.com/jwks',
    'ftp://login.example.com/jwks',
    'file:///etc/passwd',
    'data:application/json,{"keys":[]}',
    'gopher://login.example.com:70/1',
    'https://login.example.com:8443/jwks',
    'https://login.example.com:22/jwks',
    'https://user@login.example.com/jwks',
    'https://user:secret@login.example.com/jwks',
    'https://login.example.com@127.0.0.1/jwks',
    'https://127.0.0.1\\@login.example.com/jwks',
    'https://login.example.com/jwks#fragment',
    'https:///jwks',
    'login.example.com/jwks',
    '',
  ])('%s', (uri) => {
    expect(faultOfUrl(uri, false)).toMatch(/^must /);
  });
});

describe('a URL at one of these places is accepted', () => {
  it.each([
    'https://login.example.com/.well-known/jwks.json',
    'https://login.example.com:443/jwks?version=2',
    'https://bücher.example/jwks',
    'https://8.8.8.8/jwks',
    'https://[2606:4700::1111]/jwks',
  ])('%s', (uri) => {
    expect(faultOfUrl(uri, false)).toBeUndefined();
  });
});

it('with private addresses allowed, plain HTTP, other ports and loopback are allowed too, but no other protocol', () => {
  expect(faultOfUrl('http://127.0.0.1:4000/jwks', true)).toBeUndefined();
  expect(faultOfUrl('http://localhost/jwks', true)).toBeUndefined();
  expect(faultOfUrl('file:///etc/passwd', true)).toBe('must begin with https:// or http://');
  expect(faultOfUrl('http://user:secret@localhost/jwks', true)).toBe('must not hold a user name or password');
});

it('text that is no address is no global address', () => {
  expect(isGlobalAddress('')).toBe(false);
  expect(isGlobalAddress('example.com')).toBe(false);
  expect(isGlobalAddress('8.8.8.8')).toBe(true);
});
