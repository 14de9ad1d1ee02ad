import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyReply } from 'fastify';
import type { Caller } from '../caller.ts';
import { tokenInCookie } from '../console/session-cookie.ts';
import { Problem } from '../errors.ts';
import { type Access, accessMetadata, type AuthenticatedRequest, hasScope, kindOf, scopesOf } from '../http/access.ts';
import { assertWithinBounds } from './bounds.ts';
import { CallerLimits, type RequestKind } from '../limiting/caller-limits.ts';
import { Strangers } from '../limiting/strangers.ts';
import { IngestSecret } from './ingest-secret.ts';
import { bearerToken } from './strategies.ts';

/** Passport's guards store the caller in this property of the request. */
const passportOptions = { property: 'caller', session: false };

/** Its requests last for hours, and have a limit of their own (EVENT_STREAMS_PER_TENANT). */
const streamRoute = '/v1/events/stream';

/** Finds out who calls, and checks that a caller of this kind may call the route. It runs before every route. */
@Injectable()
export class CallerGuard implements CanActivate {
  private readonly guards = {
    operator: new (AuthGuard('operator'))(passportOptions),
    apiKey: new (AuthGuard('apiKey'))(passportOptions),
    user: new (AuthGuard('user'))(passportOptions),
    session: new (AuthGuard('session'))(passportOptions),
  };

  constructor(
    private readonly reflector: Reflector,
    private readonly ingestSecret: IngestSecret,
    private readonly strangers: Strangers,
    private readonly limits: CallerLimits,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = this.reflector.get<Access | undefined>(accessMetadata, context.getHandler());
    if (access && 'public' in access) return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    if (access && 'eventBridge' in access) {
      this.ingestSecret.check(request);
      return true;
    }
    const kind = credentialKind(request);
    const credential = request.headers.authorization ?? '';
    const asked = kindOf(access, request.method);
    const refuseUsedUp = (tenantId: string) => this.limits.refuseUsedUp(tenantId, asked);
    const authenticate = async () => await this.guards[kind].canActivate(context);
    await this.strangers.meet(request, credential, authenticate, refuseUsedUp);
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    await this.limit(request, reply, asked);
    authorize(request, access);
    if (request.renewedCookie !== undefined) {
      void reply.header('set-cookie', request.renewedCookie);
    }
    request.caller = withDutyToBeActive(request, access);
    return true;
  }

  /** Takes the request from what its caller and their tenant may ask for. The operator has no limit. */
  private async limit(request: AuthenticatedRequest, reply: FastifyReply, kind: RequestKind): Promise<void> {
    const { caller } = request;
    if (!caller || caller.kind === 'operator') return;
    void reply.headers(await this.limits.take(caller, kind));
    if (kind !== 'requests' || request.routeOptions.url === streamRoute) return;
    reply.raw.once('close', this.limits.begin(caller.tenantId));
  }
}

/** Kinds of callers who send a credential themselves. A person at the console sends their session alone. */
type BearerKind = Exclude<Caller['kind'], 'consoleUser'>;

/** The kind of credential that a request has. @throws Problem `unauthenticated` if it has none, or more than one. */
function credentialKind(request: AuthenticatedRequest): BearerKind | 'session' {
  if (tokenInCookie(request) === undefined) return callerKind(bearerToken(request));
  if (request.headers.authorization === undefined) return 'session';
  throw new Problem(
    'unauthenticated',
    'The request has a session of the console and an Authorization header. Send one of them.',
  );
}

/** The kind of caller that a credential belongs to, by its form. */
function callerKind(token: string): BearerKind {
  if (token.startsWith('sk_')) return 'apiKey';
  return token.split('.').length >= 3 ? 'user' : 'operator';
}

/** The caller of a request. A suspended tenant may read, and write where the route says so; its vends check it themselves. */
function withDutyToBeActive({ caller, method }: AuthenticatedRequest, access: Access | undefined): Caller | undefined {
  const isRead = method === 'GET' || method === 'HEAD';
  if (!caller || caller.kind === 'operator' || isRead) return caller;
  const mayBeSuspended = access && (('scope' in access && access.evenIfSuspended) || 'session' in access);
  return mayBeSuspended ? caller : { ...caller, mustBeActive: true };
}

function authorize(request: AuthenticatedRequest, access: Access | undefined): void {
  const { caller } = request;
  if (!caller || !access || 'public' in access || 'eventBridge' in access)
    throw new Problem('forbidden', 'Nobody may call this route.');
  if ('session' in access) {
    if (request.session) return;
    throw new Problem('forbidden', 'Only a session of the console can be used here. Sign in to the console.');
  }
  if ('operator' in access) {
    if (caller.kind === 'operator') return;
    throw new Problem('forbidden', 'Only the operator may do this.');
  }
  switch (caller.kind) {
    case 'operator':
      if (access.orOperator) return;
      throw new Problem('forbidden', 'The operator manages tenants, and cannot act inside a tenant. Use an API key.');
    case 'apiKey':
      if (!scopesOf(access).some((scope) => hasScope(caller.scopes, scope))) {
        throw new Problem('forbidden', `This API key lacks the scope ${scopesOf(access).join(' or ')}.`);
      }
      assertWithinBounds(caller, access, request);
      return;
    case 'consoleUser':
      if (scopesOf(access).some((scope) => hasScope(caller.scopes, scope))) return;
      throw new Problem('forbidden', `Your role of the console (${caller.role}) does not allow this.`);
    case 'user':
      if (access.users) return;
      throw new Problem('forbidden', 'An app user may not do this. Use an API key.');
  }
}
