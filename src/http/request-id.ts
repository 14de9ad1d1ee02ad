import { randomUUID } from 'node:crypto';

/** Characters and length that are safe in a log line and in a header. */
const safe = /^[A-Za-z0-9._-]{8,128}$/;

/**
 * What looks like a credential: an API key, a webhook secret, an AWS access key, a JWT, and 33 or more letters and digits in a
 * row, as in a random secret. Ids of requests have fewer: a UUID has 12, a ULID 26, a trace id 32.
 */
const credentialLike = [/^(sk_|whsec_|AKIA|ASIA)/i, /\..*\./, /[A-Za-z0-9_]{33,}/];

/**
 * The id of a request: what the caller sent as `x-request-id`, else a new one. It is logged and sent back. So the caller's own
 * is used only if it is safe there, does not look like a credential, and is not one of the service's own secrets.
 */
export function requestId(given: string | string[] | undefined, ownSecrets: readonly string[]): string {
  if (typeof given !== 'string' || !safe.test(given)) return randomUUID();
  const isSecret =
    credentialLike.some((pattern) => pattern.test(given)) ||
    ownSecrets.some((secret) => secret.includes(given) || given.includes(secret));
  return isSecret ? randomUUID() : given;
}
