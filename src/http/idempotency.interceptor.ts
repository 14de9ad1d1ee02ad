import { randomUUID } from 'node:crypto';
import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  Logger,
  type NestInterceptor,
  SetMetadata,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { Problem } from '../errors.ts';
import { currentRequest } from '../request-context.ts';
import { type Access, accessMetadata, type AuthenticatedRequest, kindOf } from './access.ts';
import { IdempotencyKeys, type Attempt } from './idempotency-keys.ts';

const issuesTokensMetadata = 'stagedoor:issues-tokens';

/** Marks a route that gives tokens. A repeated request runs all checks again and mints new tokens: none is stored. */
export function IssuesTokens(): MethodDecorator {
  return SetMetadata(issuesTokensMetadata, true);
}

const showsSecretMetadata = 'stagedoor:shows-secret';

/** Marks a route whose answer holds a new secret. A repeated request does not get it a second time: it is not stored. */
export function ShowsSecret(): MethodDecorator {
  return SetMetadata(showsSecretMetadata, true);
}

/** Runs a write with an `Idempotency-Key` once. A repeated request with the same key and body gets the first answer. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  private readonly logger = new Logger(IdempotencyInterceptor.name);

  constructor(
    private readonly keys: IdempotencyKeys,
    private readonly reflector: Reflector,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const key = request.headers['idempotency-key'];
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    // EventBridge is no caller: its events have ids, which make a repeat known. Nor is who signs in to the console.
    if (key === undefined || isRead || !request.caller) return next.handle();
    return from(this.runOnce(context, next, request, key));
  }

  private async runOnce(
    context: ExecutionContext,
    next: CallHandler,
    request: AuthenticatedRequest,
    key: string | string[],
  ): Promise<unknown> {
    if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) {
      throw new Problem('invalid_request', 'Idempotency-Key must be 1 to 255 visible ASCII characters.');
    }
    if (!request.caller) throw new Error('a request with an Idempotency-Key has no caller');
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const attempt: Attempt = {
      id: randomUUID(),
      caller: request.caller,
      operation: `${request.method} ${request.url.split('?')[0]}`,
      key,
      body: request.body,
      isAct:
        kindOf(this.reflector.get<Access | undefined>(accessMetadata, context.getHandler()), request.method) === 'acts',
    };
    const isMarked = (metadata: string) =>
      this.reflector.get<boolean | undefined>(metadata, context.getHandler()) === true;
    const rules = { hasTokens: isMarked(issuesTokensMetadata), hasSecret: isMarked(showsSecretMetadata) };
    const first = await this.keys.begin(attempt, rules);
    if (first) {
      void reply.status(first.status);
      return first.body;
    }
    const current = currentRequest();
    if (current) {
      current.markApplied = (tx, tenantId, answer) => this.keys.markApplied(tx, attempt, rules, tenantId, answer);
    }
    let body: unknown;
    try {
      body = await lastValueFrom(next.handle(), { defaultValue: undefined });
    } catch (error) {
      await this.keys.abandon(attempt, error);
      throw error;
    }
    // What was done is on record, so the caller gets the answer even if it cannot be stored.
    await this.keys.finish(attempt, rules, { status: reply.statusCode, body }).catch(async (error: unknown) => {
      this.logger.warn(
        { err: error },
        'an answer could not be stored; a repeat gets the answer as it was at the commit',
      );
      await this.keys.abandon(attempt, error);
    });
    return body;
  }
}
