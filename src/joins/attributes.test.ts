import { Problem } from '../errors.ts';
import { type ClaimSource, noClaims, tokenAttributes } from './attributes.ts';

const claims = {
  name: 'Alice',
  level: 3,
  vip: true,
  address: { city: 'Graz', 'post.code': '8010' },
  list: ['x'],
  none: null,
  'https://acme.example/nick': 'ace',
  'https://acme.example/app': { nick: 'inner' },
  'cognito:groups': 'a b',
  'two words': 'both',
  'a{b': 'brace',
  'a}b': 'other brace',
  long: 'l'.repeat(1_100),
  zero: 'a\0b',
  half: '\ud83d',
  endless: Infinity,
};
const source: ClaimSource = { claims, name: undefined };
const of = (given: Record<string, unknown>): ClaimSource => ({ claims: given, name: undefined });

describe('the attributes of a token', () => {
  it.each([
    ['plain', 'plain'],
    ['{{claims.name}}', 'Alice'],
    ['{{ claims.name }} of {{claims.address.city}}', 'Alice of Graz'],
    ['{{claims.level}}/{{claims.vip}}', '3/true'],
    ['[{{claims.address}}{{claims.list}}{{claims.none}}{{claims.missing}}]', '[]'],
    ['{{claims.__proto__}}{{claims.constructor.name}}{{claims.name.length}}', ''],
    ['{{other.name}}', '{{other.name}}'],
    ['{{claims.https://acme.example/nick}}', 'ace'],
    ['{{ claims.https://acme.example/app.nick }}', 'inner'],
    ['{{claims.address.post.code}}', '8010'],
    ['{{claims.cognito:groups}}, {{claims.two words}}', 'a b, both'],
    ['{{claims.a{b}}/{{claims.a}b}}', 'brace/other brace'],
    ['{{claims.name}}}', 'Alice}'],
    ['{{claims.name} {{claims.level}}', ''],
    ['{{claims.}}', '{{claims.}}'],
    ['{{claims..name}}{{claims.name.}}{{claims.a..b}}', ''],
    ['<{{claims.long}}>', '<>'],
    ['<{{claims.zero}}{{claims.half}}{{claims.endless}}>', '<>'],
  ])('fill %s in as %s', (template, expected) => {
    expect(tokenAttributes({ a: template }, source, {}, [])).toEqual({ a: expected });
  });

  it('have the name that the issuer has a path for, beside the claim of that name', () => {
    const templates = { a: '{{claims.name}}', b: '{{claims.name.first}}' };
    const object = { name: { first: 'Ann' } };
    expect(tokenAttributes(templates, { claims: object, name: 'Ann B.' }, {}, [])).toEqual({ a: 'Ann B.', b: 'Ann' });
    expect(tokenAttributes(templates, { claims: object, name: null }, {}, [])).toEqual({ a: '', b: 'Ann' });
  });

  it('leave out the claims that no longer fit, and keep all that the role itself says', () => {
    const templates = { a: '{{claims.x}}', b: '<{{claims.y}}>', c: '{{claims.z}}{{claims.x}}', d: 'd'.repeat(200) };
    const given = of({ x: 'x'.repeat(400), y: 'é'.repeat(211), z: 'z'.repeat(10) });
    // 4 names, two brackets and 200 letters leave 818 bytes: 400 for x, not 422 for y, 10 for z, 400 for x again.
    expect(tokenAttributes(templates, given, {}, [])).toEqual({
      a: 'x'.repeat(400),
      b: '<>',
      c: 'z'.repeat(10) + 'x'.repeat(400),
      d: 'd'.repeat(200),
    });
    expect(tokenAttributes({ a: 'a'.repeat(1_023 - 12) + '{{claims.x}}' }, of({ x: 'x' }), {}, [])).toHaveProperty('a');
  });

  it('never take long for a template that is hard to read', () => {
    const hard = [`{{claims.${'a.'.repeat(500)}`, '{{claims.'.repeat(110), `{{claims.${' '.repeat(1_000)}}`];
    for (const template of hard) tokenAttributes({ a: template }, source, {}, []);
  });

  it('are those of the role and those that the caller adds', () => {
    expect(tokenAttributes({ a: '1' }, noClaims, { b: '2' }, ['c', 'b'])).toEqual({ a: '1', b: '2' });
  });

  it('of the role cannot be replaced by an app user', () => {
    expect(() => tokenAttributes({ badge: 'viewer' }, noClaims, { badge: 'host' }, ['badge'])).toThrow(Problem);
  });

  it.each(['role', 'moderator', 'Pronouns', ''])(
    'named %p cannot be added by an app user whose role does not name it',
    (name) => {
      const add = () => tokenAttributes({}, noClaims, { pronouns: 'she', [name]: 'true' }, ['pronouns']);
      expect(add).toThrow(`An app user may not add the attribute ${name}.`);
    },
  );

  it('of the role can be replaced by an API key', () => {
    expect(tokenAttributes({ badge: 'viewer' }, noClaims, { badge: 'host' }, 'any')).toEqual({ badge: 'host' });
  });

  it('can be 1024 bytes of UTF-8 long and not more', () => {
    expect(tokenAttributes({}, noClaims, { k: 'é'.repeat(511) + 'x' }, 'any')).toHaveProperty('k');
    expect(() => tokenAttributes({}, noClaims, { k: 'é'.repeat(512) }, 'any')).toThrow(Problem);
    const templates = { k: '{{claims.name}}' };
    const name = 'é'.repeat(500);
    expect(() => tokenAttributes(templates, of({ name }), { l: 'x'.repeat(30) }, ['l'])).toThrow(Problem);
    expect(tokenAttributes(templates, of({ name }), { l: 'x'.repeat(22) }, ['l'])).toEqual({
      k: name,
      l: 'x'.repeat(22),
    });
  });
});
