import { createHmac, hash, type KeyObject, timingSafeEqual } from 'node:crypto';

/** The claims of a participant token (AWS docs, key-pair tokens; AWS's own tokens are taken to carry the same). */
export interface ParticipantClaims {
  exp: number;
  iat: number;
  /** The participant id. */
  jti: string;
  /** The stage's ARN. */
  resource: string;
  /** The last part of the stage's ARN. */
  topic: string;
  events_url: string;
  whip_url: string;
  capabilities: { allow_publish?: boolean; allow_subscribe?: boolean };
  user_id?: string;
  attributes?: Record<string, string>;
  version: string;
}

/** The header of tokens that AWS makes: signed by a key inside KMS that nobody else can verify (AWS sample). */
export const AWS_TOKEN_HEADER = { alg: 'KMS', typ: 'JWT' } as const;

const ENCODED_HEADER = Buffer.from(JSON.stringify(AWS_TOKEN_HEADER)).toString('base64url');

/**
 * Makes a token as CreateParticipantToken does. Its signature has the look of AWS's, 102 bytes of ASN.1 around two
 * P-384 numbers, but is an HMAC: nobody but AWS can verify the real one either, and a P-384 signature costs a
 * millisecond.
 */
export function makeAwsToken(claims: ParticipantClaims, secret: KeyObject): string {
  const payload = Buffer.from(asciiJson(claims)).toString('base64url');
  const signed = `${ENCODED_HEADER}.${payload}`;
  return `${signed}.${signatureOf(signed, secret).toString('base64url')}`;
}

/** Whether a token is one that `makeAwsToken` made with this secret. */
export function isAwsToken(signed: string, signature: Buffer, secret: KeyObject): boolean {
  const expected = signatureOf(signed, secret);
  return signature.length === expected.length && timingSafeEqual(signature, expected);
}

const DER_SEQUENCE = Buffer.from([0x30, 0x64]);
const DER_INTEGER_48 = Buffer.from([0x02, 0x30]);

function signatureOf(signed: string, secret: KeyObject): Buffer {
  const proof = createHmac('sha384', secret).update(signed).digest();
  return Buffer.concat([DER_SEQUENCE, derNumber(proof), derNumber(hash('sha384', proof, 'buffer'))]);
}

/** A positive DER integer of exactly 48 bytes starts with a byte of 0x01 to 0x7f. */
function derNumber(number: Buffer): Buffer {
  const integer = Buffer.concat([DER_INTEGER_48, number]);
  integer[2] = ((number[0] ?? 0) & 0x3f) | 0x40;
  return integer;
}

/** JSON in ASCII: AWS's web client reads the payload as Latin-1 and would garble anything else (observed in SDK). */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
