/** An identity provider that signs the tokens of the pages about providers. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

export class Provider {
  private constructor(
    private readonly server: http.Server,
    private readonly key: CryptoKey,
  ) {}

  static async start(): Promise<Provider> {
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'docs', alg: 'RS256', use: 'sig' }] });
    const server = http.createServer((_request, response) =>
      response.setHeader('content-type', 'application/json').end(keys),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Provider(server, privateKey);
  }

  /** The registration of a page, but the keys are here: no test asks the servers of the real providers. */
  withKeysHere(registration: string): string {
    const { port } = this.server.address() as AddressInfo;
    return registration.replace(/(?<="jwksUri": ")[^"]+/, `http://127.0.0.1:${port}/keys`);
  }

  /** The token of a page, signed now: with the secret of the registration, or as the provider that has these keys. */
  async sign(claims: JWTPayload, secret: string | undefined): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const token = new SignJWT({ ...claims, iat: now, exp: now + 60 });
    if (secret === undefined) return await token.setProtectedHeader({ alg: 'RS256', kid: 'docs' }).sign(this.key);
    return await token.setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret));
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
