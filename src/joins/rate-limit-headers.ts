/**
 * The RateLimit fields of the IETF draft (draft-ietf-httpapi-ratelimit-headers): the policy, and where the user stands.
 * @param resetSeconds until the window has room again, or is empty.
 */
export function rateLimitHeaders(perMinute: number, used: number, resetSeconds: number): Record<string, string> {
  return {
    'ratelimit-policy': `"vends";q=${perMinute};w=60`,
    ratelimit: `"vends";r=${Math.max(0, perMinute - used)};t=${resetSeconds}`,
  };
}
