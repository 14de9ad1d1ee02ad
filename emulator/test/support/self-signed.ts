import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Stage } from '@aws-sdk/client-ivs-realtime';

/** Makes a key pair. IVS accepts only keys on the default curve, P-384. */
export function newKeyPair(namedCurve = 'secp384r1'): { privateKey: KeyObject; publicKeyMaterial: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
  return { privateKey, publicKeyMaterial: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

/** The claims of a participant token that is valid for a stage and expires in an hour. */
export function claimsFor(stage: Stage, overrides: Record<string, unknown> = {}): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000);
  return {
    exp: now + 3600,
    iat: now,
    jti: 'selfsigned01',
    resource: stage.arn,
    topic: stage.arn?.split('/')[1],
    events_url: stage.endpoints?.events,
    whip_url: stage.endpoints?.whip,
    user_id: 'u-1',
    attributes: { role: 'host' },
    capabilities: { allow_publish: true, allow_subscribe: true },
    version: '1.0',
    ...overrides,
  };
}

/** Signs claims with ES384 (JOSE). */
export function signToken(
  privateKey: KeyObject,
  kid: string | undefined,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
): string {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode({ alg: 'ES384', typ: 'JWT', kid, ...header })}.${encode(claims)}`;
  const signature = sign('sha384', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}
