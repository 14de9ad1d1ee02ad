import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import type { Caller } from '../caller.ts';
import { Problem } from '../errors.ts';
import { type Access, accessMetadata, type AuthenticatedRequest, hasScope } from '../http/access.ts';
import { bearerToken } from './strategies.ts';

/** Where Passport's guards put who they found. */
const options = { property: 'caller', session: false };

/** The one gate before every route: who is calling, and may such a caller call this at all. */
@Injectable()
export class CallerGuard implements CanActivate {
  private readonly guards = {
    operator: new (AuthGuard('operator'))(options),
    apiKey: new (AuthGuard('apiKey'))(options),
    user: new (AuthGuard('user'))(options),
  };

  constructor(private readonly reflector: Reflector) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = this.reflector.get<Access | undefined>(accessMetadata, context.getHandler());
    if (access && 'public' in access) return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    await this.guards[kindOf(bearerToken(request))].canActivate(context);
    authorize(request.caller, access);
    return true;
  }
}

/** Which of the three a credential is meant to be, by its look. */
function kindOf(token: string): Caller['kind'] {
  if (token.startsWith('sk_')) return 'apiKey';
  return token.split('.').length >= 3 ? 'user' : 'operator';
}

function authorize(caller: Caller | undefined, access: Access | undefined): void {
  if (!caller || !access || 'public' in access) throw new Problem('forbidden', 'Nobody may call this route.');
  if ('operator' in access) {
    if (caller.kind === 'operator') return;
    throw new Problem('forbidden', 'Only the operator may do this.');
  }
  switch (caller.kind) {
    case 'operator':
      throw new Problem('forbidden', 'The operator manages tenants and does nothing inside one: use an API key.');
    case 'apiKey':
      if (hasScope(caller.scopes, access.scope)) return;
      throw new Problem('forbidden', `This API key lacks the scope ${access.scope}.`);
    case 'user':
      if (access.users) return;
      throw new Problem('forbidden', 'App users may not do this: it takes an API key.');
  }
}
