/**
 * The RateLimit header fields (IETF draft-ietf-httpapi-ratelimit-headers): the policy, and how many tokens are left.
 * @param used tokens of the kind in the last minute.
 * @param resetSeconds seconds until a user who has used up their tokens gets more, or until all count as unused again.
 */
export function rateLimitHeaders(perMinute: number, used: number, resetSeconds: number): Record<string, string> {
  return {
    'ratelimit-policy': `"vends";q=${perMinute};w=60`,
    ratelimit: `"vends";r=${Math.max(0, perMinute - used)};t=${resetSeconds}`,
  };
}
