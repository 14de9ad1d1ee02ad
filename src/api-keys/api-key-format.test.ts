import fc from 'fast-check';
import { apiKeyPrefix, newApiKey, readApiKey } from './api-key-format.ts';

describe('an API key', () => {
  it('names its tenant', () => {
    const key = newApiKey('acme-live');
    expect(key).toMatch(/^sk_acme-live_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/);
    expect(readApiKey(key)).toEqual({ slug: 'acme-live' });
  });

  it('is a new one each time', () => {
    expect(new Set(Array.from({ length: 100 }, () => newApiKey('a'))).size).toBe(100);
  });

  it('is not recognised with one wrong character', () => {
    const key = newApiKey('acme');
    fc.assert(
      fc.property(fc.nat(key.length - 1), fc.constantFrom('0', 'a', 'Z', '9', '_', '-', 'x'), (at, other) => {
        fc.pre(key[at] !== other);
        expect(readApiKey(key.slice(0, at) + other + key.slice(at + 1))).toBeUndefined();
      }),
    );
  });

  it('is not found in random text', () => {
    fc.assert(fc.property(fc.string(), (text) => readApiKey(text) === undefined));
  });

  it('shows only four of its random characters', () => {
    const key = newApiKey('acme');
    expect(apiKeyPrefix(key)).toBe(key.slice(0, 'sk_acme_'.length + 4));
  });
});
