import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport';
import { ApiKeysService } from '../api-keys/api-keys.service.ts';
import type { Caller } from '../caller.ts';
import { Settings } from '../config.ts';
import { Problem } from '../errors.ts';
import type { AuthenticatedRequest } from '../http/access.ts';
import { UserTokens } from '../issuers/user-tokens.ts';
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
  private readonly expectedDigest: Buffer;

  constructor(settings: Settings) {
    super();
    this.expectedDigest = digest(settings.operatorToken);
  }

  validate(token: string): Caller {
    if (!timingSafeEqual(digest(token), this.expectedDigest)) {
      throw new Problem('unauthenticated', 'The credential is no API key, no JWT, and not the token of the operator.');
    }
    return { kind: 'operator', id: 'operator' };
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

/** A digest has a fixed length. So the time of the comparison depends on nothing that the caller does not know. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
