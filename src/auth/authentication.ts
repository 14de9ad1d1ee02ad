import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import passport from 'passport';
import type { Caller } from '../caller.ts';
import { Problem } from '../errors.ts';
import type { AuthenticatedRequest } from '../http/access.ts';
import { ApiKeyStrategy, OperatorStrategy, SessionStrategy, UserStrategy } from './strategies.ts';

/** Names of the strategies: one for each kind of credential. */
export type CredentialKind = 'operator' | 'apiKey' | 'user' | 'session';

/**
 * Finds out who calls, by the Passport strategy of the credential. Each application has a Passport of its own: the one that the
 * package exports, and that `AuthGuard` of @nestjs/passport uses, is one for all applications of the process.
 */
@Injectable()
export class Authentication {
  private readonly passport = new passport.Passport();

  constructor(operator: OperatorStrategy, apiKey: ApiKeyStrategy, user: UserStrategy, session: SessionStrategy) {
    const strategies = { operator, apiKey, user, session } satisfies Record<CredentialKind, passport.Strategy>;
    for (const [kind, strategy] of Object.entries(strategies)) this.passport.use(kind, strategy);
  }

  /** @throws what the strategy throws: a Problem, or that something does not answer. */
  async authenticate(kind: CredentialKind, request: AuthenticatedRequest, reply: FastifyReply): Promise<Caller> {
    return await new Promise((resolve, reject) => {
      const done = (error: unknown, caller?: unknown) => {
        if (caller) resolve(caller as Caller);
        else reject(error ?? new Problem('unauthenticated', 'The credential is not accepted.'));
      };
      this.passport.authenticate(kind, { session: false }, done)(request, reply, done);
    });
  }
}
