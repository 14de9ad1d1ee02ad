import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport';
import { ApiKeysService } from '../api-keys/api-keys.service.ts';
import type { Caller } from '../caller.ts';
import { ConsoleSessions, type SignedIn } from '../console/console-sessions.ts';
import { tokenInCookie } from '../console/session-cookie.ts';
import { Problem } from '../errors.ts';
import type { AuthenticatedRequest } from '../http/access.ts';
import { UserTokens } from '../issuers/user-tokens.ts';
import { OperatorToken } from '../secrets/operator-token.ts';
import { placeOf } from './place.ts';

/** The part of a Passport strategy that is the same for every credential: it ends with the caller, or with an error. */
abstract class CallerStrategy extends Strategy {
  /** @throws Problem if the credential is not there, or is none. */
  protected abstract validate(request: AuthenticatedRequest): Promise<Caller>;

  override authenticate(request: unknown): void {
    this.validate(request as AuthenticatedRequest).then(
      (caller) => this.success(caller as unknown as Express.User),
      (error: unknown) => this.error(error),
    );
  }
}

/**
 * The credential in the Authorization header. It is accepted only there, because logs and histories keep URLs.
 * @throws Problem `unauthenticated` if there is none, or more than one.
 */
export function bearerToken(request: FastifyRequest): string {
  const { authorization } = request.headers;
  // Node keeps the first of several. A proxy in front may have looked at another one.
  const { rawHeaders } = request.raw;
  if (rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'authorization').length > 1) {
    throw new Problem('unauthenticated', 'Send one Authorization header.');
  }
  const token = /^Bearer +([^\s]+)$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) {
    throw new Problem('unauthenticated', 'Send a credential as Authorization: Bearer ….');
  }
  return token;
}

/** Authenticates the operator of the deployment by the token in the settings. */
@Injectable()
export class OperatorStrategy extends CallerStrategy {
  constructor(private readonly operatorToken: OperatorToken) {
    super();
  }

  protected async validate(request: AuthenticatedRequest): Promise<Caller> {
    return this.operatorToken.authenticate(bearerToken(request));
  }
}

/** Authenticates an API key of a tenant. */
@Injectable()
export class ApiKeyStrategy extends CallerStrategy {
  constructor(private readonly apiKeys: ApiKeysService) {
    super();
  }

  protected async validate(request: AuthenticatedRequest): Promise<Caller> {
    return await this.apiKeys.authenticate(bearerToken(request));
  }
}

/** Authenticates an app user by a JWT of an issuer that their tenant has registered. */
@Injectable()
export class UserStrategy extends CallerStrategy {
  constructor(private readonly tokens: UserTokens) {
    super();
  }

  protected async validate(request: AuthenticatedRequest): Promise<Caller> {
    return await this.tokens.verify(bearerToken(request), placeOf(request));
  }
}

/** Authenticates whoever is signed in to the console, as the caller that they have signed in as. */
@Injectable()
export class SessionStrategy extends CallerStrategy {
  constructor(private readonly sessions: ConsoleSessions) {
    super();
  }

  protected async validate(request: AuthenticatedRequest): Promise<Caller> {
    const { caller, session, cookie }: SignedIn = await this.sessions.authenticate(
      request,
      tokenInCookie(request) ?? '',
    );
    request.session = session;
    request.renewedCookie = cookie;
    return caller;
  }
}
