import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport';
import { ApiKeysService } from '../api-keys/api-keys.service.ts';
import type { Caller } from '../caller.ts';
import { Settings } from '../config.ts';
import { Problem } from '../errors.ts';
import { UserTokens } from '../issuers/user-tokens.ts';

type Done = (error: unknown, caller?: Caller) => void;

/**
 * Passport's part that is the same for every bearer credential: from the Authorization header only, never from the URL
 * or the body, where logs and histories would keep it.
 */
class BearerStrategy extends Strategy {
  constructor(private readonly verify: (token: string, done: Done) => unknown) {
    super();
  }

  override authenticate(request: unknown): void {
    this.verify(bearerToken(request as FastifyRequest), (error, caller) => {
      if (caller) this.success(caller as unknown as Express.User);
      else this.error(error);
    });
  }
}

/** The credential of a request. @throws Problem `unauthenticated` if there is none. */
export function bearerToken(request: FastifyRequest): string {
  const { authorization } = request.headers;
  const token = /^Bearer +([^\s]+)$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) {
    throw new Problem('unauthenticated', 'Send a credential as Authorization: Bearer ….');
  }
  return token;
}

/** The deployment's operator, by the token in its settings. */
@Injectable()
export class OperatorStrategy extends PassportStrategy(BearerStrategy, 'operator') {
  private readonly expected: Buffer;

  constructor(settings: Settings) {
    super();
    this.expected = digest(settings.operatorToken);
  }

  validate(token: string): Caller {
    if (!timingSafeEqual(digest(token), this.expected)) {
      throw new Problem('unauthenticated', 'This is neither an API key nor a JWT nor the operator’s token.');
    }
    return { kind: 'operator', id: 'operator' };
  }
}

/** A tenant's API key. */
@Injectable()
export class ApiKeyStrategy extends PassportStrategy(BearerStrategy, 'apiKey') {
  constructor(private readonly apiKeys: ApiKeysService) {
    super();
  }

  async validate(token: string): Promise<Caller> {
    return await this.apiKeys.authenticate(token);
  }
}

/** A person of the tenant's, by a JWT of an issuer the tenant registered. */
@Injectable()
export class UserStrategy extends PassportStrategy(BearerStrategy, 'user') {
  constructor(private readonly tokens: UserTokens) {
    super();
  }

  async validate(token: string): Promise<Caller> {
    return await this.tokens.verify(token);
  }
}

/** Equal lengths whatever was sent, so that the comparison tells nothing. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
