import { Injectable, Logger } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import * as openid from 'openid-client';
import { Problem } from '../errors.ts';
import { text, userId } from '../http/text.ts';
import { claimAt } from '../issuers/user-claims.ts';
import { Strangers } from '../limiting/strangers.ts';
import { Allowances } from '../outgoing/allowances.ts';
import { isSameSecret } from '../secrets/same-secret.ts';
import { ConsoleSessions } from './console-sessions.ts';
import { OidcClients, type Provider } from './oidc-clients.ts';
import { assertNotFromElsewhere } from './own-pages.ts';
import { attemptWithout, SignInAttempts } from './sign-in-attempts.ts';

/** Number of sign-ins of a provider that may end at once on a replica, and the time in which there is one more. */
const endsAtOnce = 60;
const endEveryMs = 1_000;

/**
 * Why nobody was signed in, as the pages of the console get it:
 *
 * - `unknown`: the tenant has no such provider.
 * - `expired`: the browser has not begun this sign-in, or too long ago, or it has ended already.
 * - `denied`: the provider says that the person may not, or does not want to.
 * - `not_a_member`: the person has no role of the console.
 * - `busy`: too many sign-ins with the provider end at the same time, or too many come from one address.
 * - `failed`: the provider cannot be reached, or what it says is not right. The log of the service says more.
 */
export type SignInFault = 'unknown' | 'expired' | 'denied' | 'not_a_member' | 'busy' | 'failed';

/** Where the browser goes on, and the cookies that it gets. */
export interface Onward {
  location: string;
  cookies: string[];
}

/** Signs people in to the console with their identity provider: OpenID Connect, authorization code with PKCE. */
@Injectable()
export class SignInService {
  private readonly logger = new Logger(SignInService.name);
  /** Ends of sign-ins of each provider. */
  private readonly ends = new Allowances({ atOnce: endsAtOnce, everyMs: endEveryMs, most: 10_000 });

  constructor(
    private readonly clients: OidcClients,
    private readonly attempts: SignInAttempts,
    private readonly sessions: ConsoleSessions,
    private readonly strangers: Strangers,
  ) {}

  /**
   * Sends the browser to a provider of a tenant. Only a page of the console begins a sign-in: another site could else sign
   * people in to its own tenant, and any link to the service would lead wherever a tenant wants.
   */
  async begin(request: FastifyRequest, slug: string, issuerId: string): Promise<Onward> {
    if (!isFromOwnPage(request)) return { location: `/console/?tenant=${encodeURIComponent(slug)}`, cookies: [] };
    if (!this.mayVisit(request)) return back('busy', slug);
    const tenantId = await this.clients.tenantWith(slug);
    const provider = tenantId === null ? undefined : await this.providerOf(tenantId, issuerId);
    if (provider === undefined || provider === 'failed') return back(provider ?? 'unknown', slug);
    const [state, nonce, verifier] = [openid.randomState(), openid.randomNonce(), openid.randomPKCECodeVerifier()];
    const redirectUri = `${originOf(request)}/console/sign-in/callback`;
    const location = openid.buildAuthorizationUrl(provider.config, {
      redirect_uri: redirectUri,
      scope: provider.scopes.join(' '),
      state,
      nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    if (!/^https?:$/.test(location.protocol)) return back('failed', slug);
    const { version } = provider;
    const begun = { tenantId: provider.tenantId, issuerId, version, state, nonce, verifier, redirectUri };
    return { location: location.href, cookies: [this.attempts.cookieWith(begun)] };
  }

  /** Ends a sign-in: the provider has sent the browser back, with a code or an error. */
  async end(request: FastifyRequest, state: string | undefined): Promise<Onward> {
    const begun = this.attempts.read(request);
    if (!begun || state === undefined || !isSameSecret(state, begun.state)) return back('expired');
    if (!this.mayVisit(request)) return back('busy');
    const provider = await this.providerOf(begun.tenantId, begun.issuerId);
    if (provider === 'failed') return back('failed');
    if (provider?.version !== begun.version) return back('expired');
    if (!this.mayEndNow(`${provider.tenantId} ${provider.id}`)) return back('busy');
    const named = await this.ask(provider, new URL(new URL(request.url, begun.redirectUri).search, begun.redirectUri), {
      expectedState: begun.state,
      expectedNonce: begun.nonce,
      pkceCodeVerifier: begun.verifier,
      idTokenExpected: true,
    });
    if (typeof named === 'string') return back(named);
    const { tenantId, id: issuerId, version: issuerVersion } = provider;
    const cookie = await this.sessions.signInPerson({ tenantId, issuerId, issuerVersion, ...named });
    return cookie === undefined ? back('not_a_member') : { location: '/console/', cookies: [attemptWithout, cookie] };
  }

  /** Whether the address has not begun too many sign-ins. A browser shows a page, so it is told by one. */
  private mayVisit(request: FastifyRequest): boolean {
    try {
      this.strangers.visit(request);
      return true;
    } catch (error) {
      if (error instanceof Problem && error.code === 'rate_limited') return false;
      throw error;
    }
  }

  private async providerOf(tenantId: string, id: string): Promise<Provider | 'failed' | undefined> {
    try {
      return await this.clients.find(tenantId, id);
    } catch (error) {
      if (error instanceof Problem) throw error; // the database cannot be reached
      this.logWhy(tenantId, id, error);
      return 'failed';
    }
  }

  /** Exchanges the code, checks the ID token, and reads who it names. */
  private async ask(provider: Provider, callback: URL, checks: openid.AuthorizationCodeGrantChecks) {
    try {
      const tokens = await openid.authorizationCodeGrant(provider.config, callback, checks);
      return readPerson({ ...tokens.claims() }, provider.claims);
    } catch (error) {
      if (error instanceof openid.AuthorizationResponseError) return 'denied';
      this.logWhy(provider.tenantId, provider.id, error);
      return 'failed';
    }
  }

  /** What a provider answered stays out of the log: it may hold tokens. */
  private logWhy(tenantId: string, issuerId: string, error: unknown): void {
    const { message, code } = error as { message?: string; code?: string };
    this.logger.warn({ tenantId, issuerId, code, reason: message }, 'A sign-in to the console has failed.');
  }

  private mayEndNow(provider: string): boolean {
    const now = performance.now();
    if (this.ends.nextAt(provider) > now) return false;
    this.ends.take(provider, now);
    return true;
  }
}

/** Sends the browser back to the pages, which say why nobody was signed in. */
function back(fault: SignInFault, slug?: string): Onward {
  const tenant = slug === undefined ? '' : `&tenant=${encodeURIComponent(slug)}`;
  return { location: `/console/?signIn=${fault}${tenant}`, cookies: [attemptWithout] };
}

function isFromOwnPage(request: FastifyRequest): boolean {
  try {
    assertNotFromElsewhere(request);
  } catch {
    return false;
  }
  // `none`: a typed address, a bookmark, or a link outside of a browser. Old browsers do not say where a request comes from.
  return request.headers['sec-fetch-site'] !== 'none';
}

/**
 * The address of the service, as the browser knows it. The cookies of the console are kept over https alone, and on this machine,
 * so it is https everywhere else, whatever a proxy in front speaks.
 */
function originOf({ host, hostname, protocol }: FastifyRequest): string {
  const isLocal = /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname);
  return `${isLocal ? protocol : 'https'}://${host}`;
}

/** Who an ID token names. An email counts only if the provider has verified it: else everybody could claim any. */
function readPerson(claims: Record<string, unknown>, paths: Provider['claims']) {
  const verified = claims['email_verified'];
  const id = userId.safeParse(claimAt(claims, paths.userId));
  if (!id.success) throw new Error(`the ID token has no user id at ${paths.userId}`);
  if (paths.userId === 'email' && verified !== true && verified !== 'true') {
    throw new Error('the provider has not verified the email');
  }
  return { userId: id.data, name: text(1, 200).safeParse(claimAt(claims, paths.name)).data ?? null };
}
