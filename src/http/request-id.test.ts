import { requestId } from './request-id.ts';

const operatorToken = 'the-token-of-the-operator-0123456789';

it.each([
  '0b9a7c52-9a4e-4a53-9d0c-0d1d6f7f4c3e', // UUID
  '01ARZ3NDEKTSV4RRFFQ69G5FAV', // ULID
  '4bf92f3577b34da6a3ce929d0e0e4736', // trace id
  '1-5759e988-bd862e3fe1be46a994272793', // AWS X-Ray
  'order.42',
  'req_8kD0-retry-2',
])('the id %s of a caller is used', (given) => {
  expect(requestId(given, [operatorToken])).toBe(given);
});

it.each([
  ['the token of the operator', operatorToken],
  ['a part of it', operatorToken.slice(4, 20)],
  ['the token with more around it', `x-${operatorToken}`],
  ['an API key', 'sk_acme_Jr0v'],
  ['an API key in capitals', 'SK_ACME_JR0V'],
  ['a webhook secret', 'whsec_0123456789'],
  ['an AWS access key', 'AKIAIOSFODNN7EXAMPLE'],
  ['a JWT', 'eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl'],
  ['a random secret in hexadecimal', 'f'.repeat(16) + '0123456789abcdef01'],
  ['a random secret in base64url', 'mB3kq0T_Zc8Yw1vXr5Np9Ls2Hd7Gf4Je6Ua-Kt0'],
  ['what is too short', 'short'],
  ['what is too long', 'a-'.repeat(65)],
  ['what is not safe in a log', 'line\nbreak-01'],
  ['two headers', ['0b9a7c52', '9a4e4a53']],
  ['nothing', undefined],
])('%s is not used as an id', (_, given) => {
  expect(requestId(given, [operatorToken])).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});
