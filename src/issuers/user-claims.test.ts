import fc from 'fast-check';
import { Problem } from '../errors.ts';
import { checkTimes, claimAt, defaultMaxLifeSeconds, readUser } from './user-claims.ts';

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
    ['a life of more than a day', { iat: now, exp: now + defaultMaxLifeSeconds + 1 }, /24 hours/],
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
  const rules = { claims: paths, roles: {}, userIdPrefix: '' };
  const rolesOf = (role: unknown, mapped: Record<string, string> = {}) =>
    readUser({ sub: 'alice', app: { role } }, { ...rules, roles: mapped }).roles;

  it('is that of the claim, byte for byte, behind the prefix', () => {
    const claims = { sub: 'Älice', app: { role: 'host' }, profile: { name: 'Alice' }, name: 'another' };
    expect(readUser(claims, { ...rules, userIdPrefix: 'corp:' })).toEqual({
      id: 'corp:Älice',
      roles: ['host'],
      claims,
      name: 'Alice',
    });
  });

  it('need not have a role or a name', () => {
    const user = readUser({ sub: 'alice', app: { role: null }, name: 'not what the path says' }, rules);
    expect(user.roles).toEqual([]);
    expect(user.name).toBeNull();
    expect(readUser({ sub: 'alice', name: 'Al' }, { ...rules, claims: { userId: 'sub' } }).name).toBeUndefined();
  });

  it.each<[string, unknown, string[]]>([
    ['a text', 'host', ['host']],
    ['an array of one', ['host'], ['host']],
    ['an array of several, in its order', ['viewer', 'host', 'org.admin'], ['viewer', 'host', 'org.admin']],
    ['an array that names a role twice', ['host', 'viewer', 'host'], ['host', 'viewer']],
    ['an array with other things in it', [null, 1, true, ['host'], { role: 'host' }, 'viewer'], ['viewer']],
    ['an empty array', [], []],
    ['an empty text', '', []],
    ['a text that looks like an array', '[host, viewer]', []],
    ['a text that looks like a JSON array', '["host"]', []],
    ['a list in a text', 'host viewer', []],
    ['an object', { contains: 'host' }, []],
    ['a number', 1, []],
    ['true', true, []],
    ['null', null, []],
    ['a text with U+0000', 'ho\0st', []],
    ['a text with half a character', 'ho\ud83dst', []],
    ['a text that is too long', 'h'.repeat(257), []],
    ['a megabyte', 'h'.repeat(1_000_000), []],
    ['an array with a name that is too long', ['h'.repeat(257), 'host'], ['host']],
    ['the name of a member of every object', ['constructor', '__proto__'], ['constructor']],
  ])('has the roles that the claim names: %s', (_, claim, roles) => {
    expect(rolesOf(claim)).toEqual(roles);
  });

  it('has roles of the first 200 values of an array', () => {
    const many = Array.from({ length: 100_000 }, (_, index) => `r${index}`);
    expect(rolesOf(many)).toEqual(many.slice(0, 200));
    expect(rolesOf([...many.slice(0, 200).map(() => 1), 'host'])).toEqual([]);
  });

  it('has the roles that the issuer’s map gives, and where it gives none those of the same name', () => {
    const map = { 'org:admin': 'host', '7d3c-9a': 'host', viewer: 'speaker', '[a, b]': 'viewer' };
    expect(rolesOf('org:admin', map)).toEqual(['host']);
    expect(rolesOf(['moderator', 'org:admin', '7d3c-9a', 'org:member'], map)).toEqual(['moderator', 'host']);
    expect(rolesOf('viewer', map)).toEqual(['speaker']);
    expect(rolesOf('[a, b]', map)).toEqual(['viewer']);
    expect(rolesOf(['constructor', 'hasOwnProperty'], map)).toEqual(['constructor', 'hasOwnProperty']);
  });

  it.each([
    ['null', null],
    ['an array', ['Alice']],
    ['an object', { first: 'Alice' }],
    ['a number', 7],
    ['true', true],
    ['too long', 'a'.repeat(257)],
    ['with U+0000', 'a\0'],
    ['with half a character', '\ud83d'],
  ])('has no name when the claim is %s', (_, name) => {
    expect(readUser({ sub: 'alice', name: 'another', profile: { name } }, rules).name).toBeNull();
  });

  it.each([
    ['missing', undefined],
    ['null', null],
    ['empty', ''],
    ['a number', 42],
    ['true', true],
    ['an object', { not: '' }],
    ['an array', ['alice']],
    ['a dot', '.'],
    ['two dots', '..'],
    ['too long', 'a'.repeat(129)],
    ['a megabyte', 'a'.repeat(1_000_000)],
    ['with U+0000', 'ali\0ce'],
    ['with half a character', 'ali\ud83d'],
  ])('is refused when its id is %s', (_, sub) => {
    expect(refusal(() => readUser({ sub }, rules))).toMatch(/user id \(sub\) must be a string/);
  });

  it('is refused when its id is two dots with the prefix, and may be dots behind one', () => {
    expect(refusal(() => readUser({ sub: '.' }, { ...rules, userIdPrefix: '.' }))).toMatch(/user id/);
    expect(readUser({ sub: '..' }, { ...rules, userIdPrefix: 'x:' }).id).toBe('x:..');
    expect(readUser({ sub: '...' }, rules).id).toBe('...');
  });

  it('is refused when its id is too long with the prefix', () => {
    expect(readUser({ sub: 'a'.repeat(126) }, { ...rules, userIdPrefix: 'x:' }).id).toHaveLength(128);
    expect(refusal(() => readUser({ sub: 'a'.repeat(127) }, { ...rules, userIdPrefix: 'x:' }))).toMatch(
      /prefix included/,
    );
  });

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
    expect(refusal(() => readUser({ sub: 'alice', ...claims }, rules))).toMatch(/refresh token/);
  });

  it.each([
    [{ cnf: { jkt: 'x' } }, /bound to a key/],
    [{ cnf: { 'x5t#S256': 'x' } }, /bound to a key/],
    [{ cnf: null }, /bound to a key/],
    [{ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }, /events/],
    [{ typ: 'Logout' }, /logout token/],
  ])('is refused a token that is not a bearer token: %j', (claims, detail) => {
    expect(refusal(() => readUser({ sub: 'alice', ...claims }, rules))).toMatch(detail);
  });

  it.each([{ typ: 'Bearer' }, { typ: 'ID' }, { token_use: 'access' }, { type: 'access' }, { token_type: 'Bearer' }])(
    'is taken a token that is for calling: %j',
    (claims) => {
      expect(readUser({ sub: 'alice', ...claims }, rules).id).toBe('alice');
    },
  );
});
