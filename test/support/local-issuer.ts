import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

/** Somebody who signs JWTs for app users, as a tenant's identity provider does. */
export class LocalIssuer {
  private constructor(
    readonly issuer: string,
    readonly audience: string,
    private readonly privateKey: CryptoKey,
    private readonly jwks: object,
  ) {}

  static async create(issuer: string, audience: string): Promise<LocalIssuer> {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'ES256', use: 'sig' };
    return new LocalIssuer(issuer, audience, privateKey, { keys: [jwk] });
  }

  /** What `POST /v1/issuers` takes. */
  registration(): object {
    return {
      issuer: this.issuer,
      audience: this.audience,
      jwks: this.jwks,
      claims: { userId: 'sub', role: 'role', name: 'name' },
    };
  }

  /** A JWT for a user, good for an hour unless told otherwise (in seconds since 1970). */
  async token(userId: string, claims: JWTPayload = {}, times?: { iat: number; exp: number }): Promise<string> {
    return await new SignJWT({ aud: this.audience, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'test' })
      .setIssuer(this.issuer)
      .setSubject(userId)
      .setIssuedAt(times?.iat)
      .setExpirationTime(times?.exp ?? '1h')
      .sign(this.privateKey);
  }
}
