import type { OpenAPIObject } from '@nestjs/swagger';

type Headers = NonNullable<NonNullable<OpenAPIObject['components']>['headers']>;

/** The headers of answers. The keys are the names of the components. */
export const headers: Headers = {
  RequestId: {
    description: 'Id of the request. The log and the audit log contain it. Name it when you report a problem.',
    schema: { type: 'string' },
    example: '0b9a7c52-9a4e-4a53-9d0c-0d1d6f7f4c3e',
  },
  RetryAfter: {
    description: 'Number of seconds after which the same request may succeed.',
    schema: { type: 'integer', minimum: 1 },
    example: 1,
  },
  RateLimitPolicy: {
    description:
      'At most `q` in `w` seconds, or, without `w`, at the same time. The name says of what: `vends` (tokens of a kind for a user), `acts`, `requests`, `vend-requests`, `act-requests` (of the caller), the same with `tenant-` (of all callers of the tenant), `at-once`, `reads-at-once` and `streams` (of the tenant, on one replica), `open-deliveries` (of a webhook endpoint), `failures` and `ivs-calls` (of the tenant at Amazon IVS), `ivs-events`, or `look-ups`, `signatures`, `sign-ins` and `connections` (of an address).',
    schema: { type: 'string' },
    example: '"vends";q=30;w=60',
  },
  RateLimit: {
    description: '`r` of them are left now. After `t` seconds there are more.',
    schema: { type: 'string' },
    example: '"vends";r=29;t=60',
  },
  Authenticate: { description: 'The scheme of the credential.', schema: { type: 'string' }, example: 'Bearer' },
};

type References = Record<string, { $ref: string }>;

const reference = (name: keyof typeof headers) => ({ $ref: `#/components/headers/${name}` });

/** Headers of every answer. */
export const onEvery: References = { 'x-request-id': reference('RequestId') };
/** Headers of answers that tell the caller to try again. */
export const onRetry: References = { 'Retry-After': reference('RetryAfter') };
/** Headers of the answers of limited routes, and of every 429 `rate_limited`. */
export const onLimited: References = {
  'RateLimit-Policy': reference('RateLimitPolicy'),
  RateLimit: reference('RateLimit'),
};
/** Headers of a 401. */
export const onUnauthenticated: References = { 'WWW-Authenticate': reference('Authenticate') };
