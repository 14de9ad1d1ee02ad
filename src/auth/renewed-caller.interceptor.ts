import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { watchingCommits } from '../database/commits.ts';
import { CredentialRefused } from '../errors.ts';
import type { AuthenticatedRequest } from '../http/access.ts';
import { UserTokens } from '../issuers/user-tokens.ts';
import { placeOf } from './place.ts';
import { bearerToken } from './strategies.ts';

/**
 * Serves users whose issuer was changed, or deleted and registered again, a moment ago. The caches of a replica still hold
 * the old version of the issuer, and the database refuses it in the first transaction. Then the JWT is verified anew, and
 * the request runs once more with the new caller. It has changed nothing before, because its first transaction was refused.
 */
@Injectable()
export class RenewedCallerInterceptor implements NestInterceptor {
  constructor(private readonly tokens: UserTokens) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    if (request.caller?.kind !== 'user') return next.handle();
    return from(this.runRenewed(request, next));
  }

  private async runRenewed(request: AuthenticatedRequest, next: CallHandler): Promise<unknown> {
    const { caller } = request;
    const run = () => lastValueFrom(next.handle() as Observable<unknown>, { defaultValue: undefined });
    return await watchingCommits(async (commits) => {
      try {
        return await run();
      } catch (error) {
        if (!(error instanceof CredentialRefused) || caller?.kind !== 'user') throw error;
        const renewed = await this.tokens.verifyAnew(bearerToken(request), caller, placeOf(request));
        if (commits.any) throw error;
        request.caller = { ...renewed, ...(caller.mustBeActive && { mustBeActive: true }) };
        return await run();
      }
    });
  }
}
