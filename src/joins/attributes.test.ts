import { Problem } from '../errors.ts';
import { tokenAttributes } from './attributes.ts';

const claims = { name: 'Alice', level: 3, vip: true, address: { city: 'Graz' }, list: ['x'], none: null };

describe('the attributes of a token', () => {
  it.each([
    ['plain', 'plain'],
    ['{{claims.name}}', 'Alice'],
    ['{{ claims.name }} of {{claims.address.city}}', 'Alice of Graz'],
    ['{{claims.level}}/{{claims.vip}}', '3/true'],
    ['[{{claims.address}}{{claims.list}}{{claims.none}}{{claims.missing}}]', '[]'],
    ['{{claims.__proto__}}{{claims.constructor.name}}{{claims.name.length}}', ''],
    ['{{other.name}}', '{{other.name}}'],
  ])('fill %s in as %s', (template, expected) => {
    expect(tokenAttributes({ a: template }, claims, {}, [])).toEqual({ a: expected });
  });

  it('are those of the role and those that the caller adds', () => {
    expect(tokenAttributes({ a: '1' }, {}, { b: '2' }, ['c', 'b'])).toEqual({ a: '1', b: '2' });
  });

  it('of the role cannot be replaced by an app user', () => {
    expect(() => tokenAttributes({ badge: 'viewer' }, {}, { badge: 'host' }, ['badge'])).toThrow(Problem);
  });

  it.each(['role', 'moderator', 'Pronouns', ''])(
    'named %p cannot be added by an app user whose role does not name it',
    (name) => {
      const add = () => tokenAttributes({}, {}, { pronouns: 'she', [name]: 'true' }, ['pronouns']);
      expect(add).toThrow(`An app user may not add the attribute ${name}.`);
    },
  );

  it('of the role can be replaced by an API key', () => {
    expect(tokenAttributes({ badge: 'viewer' }, {}, { badge: 'host' }, 'any')).toEqual({ badge: 'host' });
  });

  it('can be 1024 bytes of UTF-8 long and not more', () => {
    expect(tokenAttributes({}, {}, { k: 'é'.repeat(511) + 'x' }, 'any')).toHaveProperty('k');
    expect(() => tokenAttributes({ k: '{{claims.name}}' }, { name: 'é'.repeat(512) }, {}, [])).toThrow(Problem);
  });
});
