import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
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

/** Takes the result of a verification: the caller, or the error. */
type VerifyDone = (error: unknown, caller?: Caller) => void;

/**
 * The part of a Passport strategy that is the same for every bearer credential. It accepts credentials only in the
 * Authorization header, because logs and histories keep URLs.
 */
class BearerStrategy extends Strategy {
  constructor(private readonly verify: (token: string, request: AuthenticatedRequest, done: VerifyDone) => unknown) {
    super();
  }

  override authenticate(request: unknown): void {
    const asked = request as AuthenticatedRequest;
    this.verify(bearerToken(asked), asked, (error, caller) => {
      if (caller) this.success(caller as unknown as Express.User);
      else this.error(error);
    });
  }
}

/** The credential of a request. @throws Problem `unauthenticated` if there is none, or more than one. */
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
export class OperatorStrategy extends PassportStrategy(BearerStrategy, 'operator') {
  constructor(private readonly operatorToken: OperatorToken) {
    super();
  }

  validate(token: string): Caller {
    return this.operatorToken.authenticate(token);
  }
}

/** Authenticates an API key of a tenant. */
@Injectable()
export class ApiKeyStrategy extends PassportStrategy(BearerStrategy, 'apiKey') {
  constructor(private readonly apiKeys: ApiKeysService) {
    super();
  }

  async validate(token: string): Promise<Caller> {
    return await this.apiKeys.authenticate(token);
  }
}

/** Authenticates an app user by a JWT of an issuer that their tenant has registered. */
@Injectable()
export class UserStrategy extends PassportStrategy(BearerStrategy, 'user') {
  constructor(private readonly tokens: UserTokens) {
    super();
  }

  async validate(token: string, request: AuthenticatedRequest): Promise<Caller> {
    return await this.tokens.verify(token, placeOf(request));
  }
}

/** The part of a Passport strategy that is the same for every credential in a cookie. */
class CookieStrategy extends Strategy {
  constructor(private readonly verify: (request: AuthenticatedRequest, done: VerifyDone) => unknown) {
    super();
  }

  override authenticate(request: unknown): void {
    this.verify(request as AuthenticatedRequest, (error, caller) => {
      if (caller) this.success(caller as unknown as Express.User);
      else this.error(error);
    });
  }
}

/** Authenticates whoever is signed in to the console, as the caller that they have signed in as. */
@Injectable()
export class SessionStrategy extends PassportStrategy(CookieStrategy, 'session') {
  constructor(private readonly sessions: ConsoleSessions) {
    super();
  }

  async validate(request: AuthenticatedRequest): Promise<Caller> {
    const { caller, session, cookie }: SignedIn = await this.sessions.authenticate(
      request,
      tokenInCookie(request) ?? '',
    );
    request.session = session;
    request.renewedCookie = cookie;
    return caller;
  }
}
