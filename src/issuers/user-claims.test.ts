import fc from 'fast-check';
import { Problem } from '../errors.ts';
import { checkTimes, claimAt, maxLifeSeconds, readUser } from './user-claims.ts';

const now = 1_800_000_000;

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return error.detail;
    throw error;
  }
  throw new Error('was not refused');
}

describe('a claim is found', () => {
  it.each([
    ['sub', { sub: 'alice' }, 'alice'],
    ['user.id', { user: { id: 'alice' } }, 'alice'],
    ['https://example.com/role', { 'https://example.com/role': 'host' }, 'host'],
    ['https://example.com/app.role', { 'https://example.com/app': { role: 'host' } }, 'host'],
    ['a.b', { 'a.b': 1, a: { b: 2 } }, 1],
    ['user.id', { user: null }, undefined],
    ['user.id', { user: 'alice' }, undefined],
    ['user.0', { user: ['alice'] }, undefined],
    ['user.length', { user: ['alice'] }, undefined],
    ['constructor.name', {}, undefined],
    ['__proto__', {}, undefined],
    ['toString', {}, undefined],
  ])('at %s in %j', (path, claims, value) => {
    expect(claimAt(claims, path)).toBe(value);
  });

  it('or the answer is undefined, whatever the path and the claims', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(fc.string(), { minLength: 1, maxLength: 10 }), (claims, parts) => {
        claimAt(claims, parts.join('.'));
      }),
    );
  });
});

describe('the times of a token', () => {
  it.each([
    ['nothing', {}, /exp must be present/],
    ['no exp', { iat: now }, /exp must be present/],
    ['no iat', { exp: now + 60 }, /iat must be present/],
    ['exp as text', { iat: now, exp: String(now + 60) }, /exp must be present/],
    ['exp as null', { iat: now, exp: null }, /exp must be present/],
    ['an endless exp', JSON.parse(`{"iat":${now},"exp":1e999}`), /exp must be present/],
    ['nbf as text', { iat: now, exp: now + 60, nbf: 'now' }, /nbf must be present/],
    ['exp just now', { iat: now - 60, exp: now }, /expired/],
    ['exp long ago', { iat: now - 7200, exp: now - 3600 }, /expired/],
    ['exp before 1970', { iat: now, exp: -1 }, /expired/],
    ['iat over a minute ahead', { iat: now + 61, exp: now + 600 }, /not valid yet/],
    ['nbf over a minute ahead', { iat: now, nbf: now + 61, exp: now + 600 }, /not valid yet/],
    ['a life of more than a day', { iat: now, exp: now + maxLifeSeconds + 1 }, /24 hours/],
    ['a life since 1970', { iat: 0, exp: now + 60 }, /24 hours/],
    ['exp at iat', { iat: now + 30, exp: now + 30 }, /later than iat/],
    ['exp before iat', { iat: now + 30, exp: now + 10 }, /later than iat/],
    ['exp in milliseconds', { iat: now, exp: now * 1000 }, /24 hours/],
  ])('are refused with %s', (_, claims, reason) => {
    expect(refusal(() => checkTimes(claims, now))).toMatch(reason);
  });

  it('may be a minute off, except exp', () => {
    expect(checkTimes({ iat: now + 60, nbf: now + 60, exp: now + 61 }, now)).toBe(now + 61);
  });
});

describe('the user of a token', () => {
  const paths = { userId: 'sub', role: 'app.role', name: 'profile.name' };

  it('is that of the claim, byte for byte, behind the prefix', () => {
    const claims = { sub: 'Älice', app: { role: 'host' }, profile: { name: 'Alice' }, name: 'another' };
    expect(readUser(claims, paths, 'corp:')).toEqual({
      id: 'corp:Älice',
      role: 'host',
      claims: { ...claims, name: 'Alice' },
    });
  });

  it('need not have a role or a name', () => {
    const user = readUser({ sub: 'alice', app: { role: null }, name: 'not what the path says' }, paths, '');
    expect(user.role).toBeUndefined();
    expect(user.claims).not.toHaveProperty('name');
  });

  it.each([
    ['missing', undefined],
    ['null', null],
    ['empty', ''],
    ['a number', 42],
    ['true', true],
    ['an object', { not: '' }],
    ['an array', ['alice']],
    ['too long', 'a'.repeat(129)],
    ['a megabyte', 'a'.repeat(1_000_000)],
    ['with U+0000', 'ali\0ce'],
    ['with half a character', 'ali\ud83d'],
  ])('is refused when its id is %s', (_, sub) => {
    expect(refusal(() => readUser({ sub }, paths, ''))).toMatch(/user id \(sub\) must be a string/);
  });

  it('is refused when its id is too long with the prefix', () => {
    expect(readUser({ sub: 'a'.repeat(126) }, paths, 'x:').id).toHaveLength(128);
    expect(refusal(() => readUser({ sub: 'a'.repeat(127) }, paths, 'x:'))).toMatch(/prefix included/);
  });

  it.each([[['host']], [{ contains: 'host' }], [1], [true], ['ho\0st'], ['h'.repeat(257)]])(
    'is refused when its role is %j',
    (role) => {
      expect(refusal(() => readUser({ sub: 'alice', app: { role } }, paths, ''))).toMatch(/app\.role must be a string/);
    },
  );

  it.each([
    { typ: 'Refresh' },
    { typ: 'offline' },
    { token_use: 'refresh' },
    { token_use: 'REFRESH' },
    { type: 'refresh' },
    { type: 'Refresh_Token' },
    { token_type: 'refreshToken' },
    { token_type: 'refresh-token' },
  ])('is refused a refresh token: %j', (claims) => {
    expect(refusal(() => readUser({ sub: 'alice', ...claims }, paths, ''))).toMatch(/refresh token/);
  });

  it.each([
    [{ cnf: { jkt: 'x' } }, /bound to a key/],
    [{ cnf: { 'x5t#S256': 'x' } }, /bound to a key/],
    [{ cnf: null }, /bound to a key/],
    [{ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }, /events/],
    [{ typ: 'Logout' }, /logout token/],
  ])('is refused a token that is not a bearer token: %j', (claims, detail) => {
    expect(refusal(() => readUser({ sub: 'alice', ...claims }, paths, ''))).toMatch(detail);
  });

  it.each([{ typ: 'Bearer' }, { typ: 'ID' }, { token_use: 'access' }, { type: 'access' }, { token_type: 'Bearer' }])(
    'is taken a token that is for calling: %j',
    (claims) => {
      expect(readUser({ sub: 'alice', ...claims }, paths, '').id).toBe('alice');
    },
  );
});
