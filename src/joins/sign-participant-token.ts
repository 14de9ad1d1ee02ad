import { type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';

const signAsync = promisify(sign);

/** What a participant token that we sign says (AWS user guide, "Distribute Tokens", key pair). */
export interface ParticipantTokenClaims {
  stageArn: string;
  endpoints: { events: string; whip: string };
  /** The participant id, which IVS takes over from the token. */
  participantId: string;
  userId: string;
  attributes: Record<string, string>;
  capabilities: readonly string[];
  /** Unix time in whole seconds. */
  issuedAt: number;
  expiresAt: number;
}

/**
 * Signs a participant token: a JWT with ES384. The signing runs on the thread pool, as it takes about a millisecond of a
 * core that the event loop has better uses for.
 *
 * @param keyArn ARN of the imported public half.
 */
export async function signParticipantToken(
  claims: ParticipantTokenClaims,
  keyArn: string,
  privateKey: KeyObject,
): Promise<string> {
  const header = encode({ alg: 'ES384', typ: 'JWT', kid: keyArn });
  const payload = encode({
    exp: claims.expiresAt,
    iat: claims.issuedAt,
    jti: claims.participantId,
    resource: claims.stageArn,
    topic: claims.stageArn.slice(claims.stageArn.lastIndexOf('/') + 1),
    events_url: claims.endpoints.events,
    whip_url: claims.endpoints.whip,
    user_id: claims.userId,
    attributes: claims.attributes,
    // A capability that is not held is left out: the guide shows subscribe-only tokens so.
    capabilities: {
      ...(claims.capabilities.includes('PUBLISH') && { allow_publish: true }),
      ...(claims.capabilities.includes('SUBSCRIBE') && { allow_subscribe: true }),
    },
    version: '1.0',
  });
  const signed = `${header}.${payload}`;
  const signature = await signAsync('sha384', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

/** JSON in ASCII: the web client reads the payload as Latin-1, which garbles anything else that is not escaped. */
function encode(value: unknown): string {
  const json = JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return Buffer.from(json, 'latin1').toString('base64url');
}
