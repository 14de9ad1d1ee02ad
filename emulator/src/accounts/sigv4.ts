import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { type Credential, type Credentials, isSession } from './credentials.ts';
import { hmacSha256 } from './hmac.ts';
import { ServiceError } from '../wire/service-error.ts';

/** Who signed a request, and for which Region. */
export interface Caller {
  accessKeyId: string;
  account: string;
  region: string;
}

/** The parts of an HTTP request that a signature covers. */
export interface SignedRequest {
  method: string;
  /** As received, with percent-encoding. */
  path: string;
  /** Without the question mark. */
  query: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** The parts of the `Authorization` header. */
export interface Authorization {
  accessKeyId: string;
  date: string;
  region: string;
  service: string;
  signedHeaders: string[];
  signature: string;
}

/** How far the time of a request may differ from real time (AWS docs: five minutes). */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request,\s*SignedHeaders=([a-z0-9;_-]+),\s*Signature=([0-9a-f]{64})$/;

/**
 * Reads an `Authorization` header.
 *
 * @throws ServiceError when the header is malformed.
 */
export function parseAuthorization(header: string): Authorization {
  const match = AUTHORIZATION.exec(header);
  if (!match) {
    throw new ServiceError('IncompleteSignatureException', 'the Authorization header is not a SigV4 one', {}, 400);
  }
  const [, accessKeyId = '', date = '', region = '', service = '', signed = '', signature = ''] = match;
  return { accessKeyId, date, region, service, signedHeaders: signed.split(';'), signature };
}

/**
 * Checks a SigV4 signature in the order of AWS's gateway: scope, time, access key, session token, signature.
 *
 * @param now Real time, in milliseconds.
 * @throws ServiceError with the error names of AWS's gateway (observed in SDKs; no IVS model lists them).
 */
export function verifySignature(
  request: SignedRequest,
  authorization: Authorization,
  service: string,
  credentials: Credentials,
  now: number,
): Caller {
  const { accessKeyId, region } = authorization;
  if (authorization.service !== service) {
    throw invalid(`the credential is scoped to ${authorization.service}, this operation needs ${service}`);
  }
  if (!authorization.signedHeaders.includes('host')) throw invalid('the host header must be signed');
  const time = readTime(request.headers['x-amz-date'], authorization.date);
  if (Math.abs(now - time) > CLOCK_TOLERANCE_MS) {
    throw invalid(`signature expired or not yet valid: signed at ${new Date(time).toISOString()}`);
  }
  const credential = credentials.find(accessKeyId);
  if (!credential) throw unknownClient();
  checkSession(credential, request.headers['x-amz-security-token'], credentials);
  const expected = signatureOf(request, authorization, credential.secretAccessKey);
  if (!timingSafeEqual(expected, Buffer.from(authorization.signature, 'hex'))) {
    throw invalid('the signature does not match: check the secret access key and the signing method');
  }
  return { accessKeyId, account: credential.account, region };
}

function checkSession(credential: Credential, token: string | string[] | undefined, credentials: Credentials): void {
  if (!isSession(credential)) {
    if (token !== undefined) throw unknownClient();
    return;
  }
  if (token !== credential.sessionToken) throw unknownClient();
  if (credentials.hasExpired(credential)) {
    throw new ServiceError('ExpiredTokenException', 'the session of this security token has ended', {}, 403);
  }
}

function unknownClient(): ServiceError {
  return new ServiceError('UnrecognizedClientException', 'the access key or its security token is not known', {}, 403);
}

function invalid(message: string): ServiceError {
  return new ServiceError('InvalidSignatureException', message, {}, 403);
}

function readTime(header: string | string[] | undefined, scopeDate: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(typeof header === 'string' ? header : '');
  if (!match) throw new ServiceError('IncompleteSignatureException', 'x-amz-date is missing or malformed', {}, 400);
  const [, year, month, day, hour, minute, second] = match.map(Number);
  if (!String(header).startsWith(scopeDate)) throw invalid('x-amz-date and the credential scope differ in date');
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
}

function signatureOf(request: SignedRequest, authorization: Authorization, secret: string): Buffer {
  const { date, region, service, signedHeaders } = authorization;
  const { headers } = request;
  const bodyHash = sha256(request.body);
  const canonical = [
    request.method,
    canonicalPath(request.path),
    canonicalQuery(request.query),
    ...signedHeaders.map((name) => `${name}:${canonicalHeader(headers[name])}`),
    '',
    signedHeaders.join(';'),
    bodyHash,
  ].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const stringToSign = `AWS4-HMAC-SHA256\n${String(headers['x-amz-date'])}\n${scope}\n${sha256(canonical)}`;
  return signer(secret, date, region, service)(stringToSign);
}

const signers = new Map<string, (text: string) => Buffer>();

/**
 * Returns the function that signs with the derived key of one day, Region and service. Deriving a key costs four HMACs,
 * so up to 1000 of these functions are kept.
 */
function signer(secret: string, date: string, region: string, service: string): (text: string) => Buffer {
  const name = `${secret}/${date}/${region}/${service}`;
  const known = signers.get(name);
  if (known) return known;
  const parts = [date, region, service, 'aws4_request'];
  const key = parts.reduce<Buffer>((key, part) => hmacSha256(key)(part), Buffer.from(`AWS4${secret}`));
  if (signers.size >= 1000) signers.clear();
  const made = hmacSha256(key);
  signers.set(name, made);
  return made;
}

/** Encodes each segment of a path that is encoded already (AWS docs: all services except S3 encode twice). */
function canonicalPath(path: string): string {
  return path.split('/').map(encode).join('/');
}

function canonicalQuery(query: string): string {
  if (query === '') return '';
  const pairs = query.split('&').map((pair): [string, string] => {
    const [name = '', ...value] = pair.split('=');
    return [encode(decode(name)), encode(decode(value.join('=')))];
  });
  pairs.sort(([a, x], [b, y]) => compare(a, b) || compare(x, y));
  return pairs.map(([name, value]) => `${name}=${value}`).join('&');
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function canonicalHeader(value: string | string[] | undefined): string {
  const text = Array.isArray(value) ? value.join(',') : (value ?? '');
  return text.trim().replaceAll(/ +/g, ' ');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Percent-encodes by RFC 3986, which escapes five characters more than `encodeURIComponent`. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha256(data: string | Buffer): string {
  return hash('sha256', data);
}
