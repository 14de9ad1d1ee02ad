/** A real OpenID provider on localhost (the library oidc-provider), and a browser that follows its redirects. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';

/** Changes the ID token that the provider is about to give, or the whole answer of its token endpoint. */
export type Tamper = (claims: Record<string, unknown>) => Record<string, unknown>;

export interface TestClient {
  clientId: string;
  clientSecret?: string;
  redirectUri: string;
}

/** A provider that signs in whomever `account` names, without asking. */
export class TestOidcProvider {
  /** Who sits at the browser; undefined: they refuse. */
  account: string | undefined = 'ann';
  /** Further claims of the accounts. */
  claims: Record<string, unknown> = {};
  tamper: Tamper | undefined;
  /** Signs the tampered ID tokens with a key that the provider does not publish. */
  foreignKey = false;
  /** The tokens that it gave. */
  readonly given: string[] = [];
  /** Requests that the provider has got, as method and path. */
  readonly requests: string[] = [];
  private provider: Provider | undefined;

  private constructor(
    private readonly server: http.Server,
    private readonly privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'],
    private readonly jwk: JWK,
  ) {}

  static async start(): Promise<TestOidcProvider> {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    const jwk = { ...(await exportJWK(privateKey)), kid: 'one', alg: 'RS256', use: 'sig' };
    const server = http.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const started = new TestOidcProvider(server, privateKey, jwk);
    server.on('request', (request, response) => void started.serve(request, response));
    return started;
  }

  get issuer(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  register(clients: TestClient[]): void {
    this.provider = new Provider(this.issuer, {
      clients: clients.map(({ clientId, clientSecret, redirectUri }) => ({
        client_id: clientId,
        redirect_uris: [redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code'],
        ...(clientSecret === undefined
          ? { token_endpoint_auth_method: 'none' }
          : { client_secret: clientSecret, token_endpoint_auth_method: 'client_secret_post' }),
      })),
      cookies: { keys: ['key of the cookies'] },
      jwks: { keys: [this.jwk as never] },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_, { uid }) => `/interaction/${uid}` },
      conformIdTokenClaims: false,
      claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
      findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, name: `${sub} of Acme`, ...this.claims }) }),
      loadExistingGrant: async (context) => {
        const { provider, session, client } = context.oidc;
        const grant = new provider.Grant({ accountId: session?.accountId ?? '', clientId: client?.clientId ?? '' });
        grant.addOIDCScope('openid profile email');
        await grant.save();
        return grant;
      },
    });
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { provider } = this;
    if (!provider) throw new Error('the provider has no clients yet');
    const { pathname } = new URL(request.url ?? '', this.issuer);
    this.requests.push(`${request.method} ${pathname}`);
    if (pathname.startsWith('/interaction/')) {
      const result = this.account === undefined ? { error: 'access_denied' } : { login: { accountId: this.account } };
      await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
      return;
    }
    if (pathname === '/token') this.replaceIdToken(response);
    await provider.callback()(request, response);
  }

  private replaceIdToken(response: http.ServerResponse): void {
    const end = response.end.bind(response) as (body: string) => http.ServerResponse;
    response.end = ((body: unknown) => {
      void this.tampered(String(body)).then((changed) => {
        response.setHeader('content-length', Buffer.byteLength(changed));
        end(changed);
      });
      return response;
    }) as never;
  }

  private async tampered(body: string): Promise<string> {
    const answer = JSON.parse(body) as { id_token?: string; access_token?: string };
    const { id_token: idToken = '', access_token: accessToken = '' } = answer;
    if (idToken === '') return body;
    this.given.push(idToken, accessToken);
    if (!this.tamper) return body;
    const payload = Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString();
    const claims = this.tamper(JSON.parse(payload) as Record<string, unknown>);
    const key = this.foreignKey ? (await generateKeyPair('RS256')).privateKey : this.privateKey;
    answer.id_token = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(key);
    this.given.push(answer.id_token);
    return JSON.stringify(answer);
  }
}

/** A browser: it keeps the cookies of each origin, and follows redirects when it is told to. */
export class TestBrowser {
  private readonly cookies = new Map<string, Map<string, string>>();

  /** One request. It follows no redirect. */
  async get(url: string, headers: Record<string, string> = {}): Promise<Response> {
    const { origin } = new URL(url);
    const jar = this.jarOf(origin);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const sent = { ...(cookie !== '' && { cookie }), ...headers };
    const answer = await fetch(url, { redirect: 'manual', headers: sent });
    for (const line of answer.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';');
      const at = pair.indexOf('=');
      const isOver = attributes.some((one) => /^\s*(max-age=0|expires=thu, 01 jan 1970)/i.test(one));
      if (isOver) jar.delete(pair.slice(0, at));
      else jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return answer;
  }

  /** Follows redirects from `url` until one leads to a URL that begins with `until`. Returns that URL. */
  async follow(url: string, until: string): Promise<string> {
    let at = url;
    for (let steps = 0; steps < 20; steps++) {
      const answer = await this.get(at);
      const location = answer.headers.get('location');
      if (location === null) throw new Error(`${answer.status} at ${at}: ${await answer.text()}`);
      at = new URL(location, at).href;
      if (at.startsWith(until)) return at;
    }
    throw new Error(`no redirect leads to ${until}`);
  }

  jarOf(origin: string): Map<string, string> {
    const jar = this.cookies.get(origin) ?? new Map<string, string>();
    this.cookies.set(origin, jar);
    return jar;
  }
}
