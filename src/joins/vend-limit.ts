import type { RateLimit } from '../errors.ts';

/** The limit on tokens of one kind for one user. */
export function vendLimit(perMinute: number): RateLimit {
  return { policy: 'vends', quota: perMinute, windowSeconds: 60 };
}
