import type { OpenAPIObject } from '@nestjs/swagger';

type Headers = NonNullable<NonNullable<OpenAPIObject['components']>['headers']>;

/** The headers of answers, by their names among the components. */
export const headers: Headers = {
  RequestId: {
    description: 'Id of the request, as the log and the audit log have it. Name it when you report a problem.',
    schema: { type: 'string' },
    example: '0b9a7c52-9a4e-4a53-9d0c-0d1d6f7f4c3e',
  },
  RetryAfter: {
    description: 'Seconds after which the same request may succeed.',
    schema: { type: 'integer', minimum: 1 },
    example: 1,
  },
  RateLimitPolicy: {
    description: 'How many tokens of a kind (`q`) a user is given in how many seconds (`w`).',
    schema: { type: 'string' },
    example: '"vends";q=30;w=60',
  },
  RateLimit: {
    description: 'How many are left (`r`), and in how many seconds there is room again (`t`).',
    schema: { type: 'string' },
    example: '"vends";r=29;t=60',
  },
  Authenticate: { description: 'How to authenticate.', schema: { type: 'string' }, example: 'Bearer' },
};

type References = Record<string, { $ref: string }>;

const reference = (name: keyof typeof headers) => ({ $ref: `#/components/headers/${name}` });

export const onEvery: References = { 'x-request-id': reference('RequestId') };
export const onRetry: References = { 'Retry-After': reference('RetryAfter') };
export const onLimited: References = {
  'RateLimit-Policy': reference('RateLimitPolicy'),
  RateLimit: reference('RateLimit'),
};
export const onUnauthenticated: References = { 'WWW-Authenticate': reference('Authenticate') };
