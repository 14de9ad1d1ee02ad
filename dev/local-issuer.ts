/** The identity provider of the demo: it signs JWTs for anybody, with a key that DATA_DIR keeps. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto';

import { JwtService } from '@nestjs/jwt';

/** Name of the secret in DATA_DIR that is the private key. */
export const LOCAL_ISSUER_KEY = 'local-issuer-key.pem';

export interface Issuer {
  name: string;
  audience: string;
  jwk: JsonWebKey;
  /** A JWT that is good for this many seconds. */
  sign(userId: string, displayName: string, seconds: number): string;
}

export function newIssuerKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The issuer with this private key. Its name holds a hash of the key, so that a new key is a new issuer. */
export function localIssuer(pem: string): Issuer {
  const publicKey = createPublicKey(createPrivateKey(pem));
  const kid = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);
  const name = `https://local-issuer.invalid/${kid}`;
  const audience = 'stagedoor-demo';
  const jwt = new JwtService({ privateKey: pem, signOptions: { algorithm: 'ES256', keyid: kid } });
  return {
    name,
    audience,
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' },
    sign: (userId, displayName, seconds) =>
      jwt.sign({ name: displayName }, { subject: userId, issuer: name, audience, expiresIn: seconds }),
  };
}
