import { createHmac, randomBytes } from 'node:crypto';

/** Bytes of a secret. Standard Webhooks asks for 24 to 64. */
const secretBytes = 32;

const prefix = 'whsec_';

/** Makes the key of an endpoint. */
export function newSecret(): Buffer {
  return randomBytes(secretBytes);
}

/** A key as its owner gets it: `whsec_` and base64. */
export function secretText(key: Uint8Array): string {
  return `${prefix}${Buffer.from(key).toString('base64')}`;
}

/**
 * The headers of a webhook (Standard Webhooks 1.0.0): id, time and signatures. The time is in the signature, so a receiver
 * refuses what somebody has recorded and sends again later.
 * @param keys each makes a signature. During a rotation there are two.
 */
export function signedHeaders(
  id: string,
  body: string,
  keys: readonly Uint8Array[],
  now: Date,
): Record<string, string> {
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  const content = `${id}.${timestamp}.${body}`;
  const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(content).digest('base64')}`);
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}
