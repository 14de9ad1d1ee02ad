/** Issuers that sign the JWTs of app users. */
import { createHmac, generateKeyPairSync, type JsonWebKey, randomBytes, sign } from 'node:crypto';

/** An issuer of JWTs for the users of a tenant. */
export interface Issuer {
  /** Body of `POST /v1/issuers`. */
  registration: Record<string, unknown>;
  /** Signs a JWT of a user. `issuer` names another issuer with the same key. */
  token(userId: string, issuer?: string): string;
}

/** An identity provider with a P-256 key, as most have. */
export function es256Issuer(name: string): Issuer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk: JsonWebKey = { ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256', use: 'sig' };
  return {
    registration: { issuer: name, audience: 'bench', jwks: { keys: [jwk] }, algorithms: ['ES256'] },
    token: (userId, issuer = name) =>
      jwt({ alg: 'ES256', typ: 'JWT', kid: 'bench' }, issuer, userId, (text) =>
        sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }),
      ),
  };
}

/** An issuer that shares a secret with the service. */
export function hs256Issuer(name: string): Issuer {
  const secret = randomBytes(32).toString('base64url');
  return {
    registration: { issuer: name, audience: 'bench', secret, algorithms: ['HS256'] },
    token: (userId, issuer = name) =>
      jwt({ alg: 'HS256', typ: 'JWT' }, issuer, userId, (text) => createHmac('sha256', secret).update(text).digest()),
  };
}

function jwt(header: object, issuer: string, userId: string, signature: (text: string) => Buffer): string {
  const now = Math.floor(Date.now() / 1_000);
  const claims = { iss: issuer, aud: 'bench', sub: userId, name: 'Somebody', iat: now, exp: now + 3_600 };
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${signature(text).toString('base64url')}`;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
