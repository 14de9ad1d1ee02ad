import { createHmac, hash, type KeyObject, timingSafeEqual } from 'node:crypto';

/**
 * The claims of a participant token (AWS docs, key-pair tokens). The emulator puts the same claims into tokens made by
 * IVS.
 */
export interface ParticipantClaims {
  /** The expiry, in seconds since 1970. */
  exp: number;
  /** The time of issue, in seconds since 1970. */
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

/** The header of tokens that IVS makes (AWS sample). A key inside KMS signs them, and only AWS can verify them. */
export const AWS_TOKEN_HEADER = { alg: 'KMS', typ: 'JWT' } as const;

const ENCODED_HEADER = Buffer.from(JSON.stringify(AWS_TOKEN_HEADER)).toString('base64url');

/**
 * Makes a token of the form that CreateParticipantToken answers. The signature has the form of AWS's: 102 bytes of
 * ASN.1 with two P-384 numbers. It is an HMAC, because only AWS can verify a real one, and a P-384 signature takes a
 * millisecond.
 */
export function makeAwsToken(claims: ParticipantClaims, secret: KeyObject): string {
  const payload = Buffer.from(asciiJson(claims)).toString('base64url');
  const signed = `${ENCODED_HEADER}.${payload}`;
  return `${signed}.${signatureOf(signed, secret).toString('base64url')}`;
}

/** Whether `makeAwsToken` made a token with this secret. */
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

/** Writes a DER integer. Its first byte is set to 0x40 to 0x7f, so that it is positive and has exactly 48 bytes. */
function derNumber(number: Buffer): Buffer {
  const integer = Buffer.concat([DER_INTEGER_48, number]);
  integer[2] = ((number[0] ?? 0) & 0x3f) | 0x40;
  return integer;
}

/**
 * Writes JSON in ASCII. AWS's web client reads the payload as Latin-1 and garbles all other characters (observed in
 * SDK).
 */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
