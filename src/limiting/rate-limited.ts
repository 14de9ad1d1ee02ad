import { Problem } from '../errors.ts';

/** A limit that a tenant has used up. */
interface UsedUp {
  /** Name of the limit in the header fields. */
  policy: string;
  /** How much the limit allows in its window. */
  quota: number;
  windowSeconds: number;
  retryAfterSeconds: number;
  cause?: unknown;
}

/** The problem `rate_limited`, with the RateLimit header fields (IETF draft-ietf-httpapi-ratelimit-headers). */
export function rateLimited(
  detail: string,
  { policy, quota, windowSeconds, retryAfterSeconds, cause }: UsedUp,
): Problem {
  return new Problem('rate_limited', detail, {
    retryAfterSeconds,
    headers: {
      'ratelimit-policy': `"${policy}";q=${quota};w=${windowSeconds}`,
      ratelimit: `"${policy}";r=0;t=${retryAfterSeconds}`,
    },
    cause,
  });
}
