import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../errors.ts';
import { refuse } from '../http/problem.filter.ts';
import { IssuerDirectory } from '../issuers/issuer-directory.ts';
import { currentRequest } from '../request-context.ts';
import { VendTurns } from './vend-turns.ts';

/** The routes that vend. */
const routes = new Set(['join', 'stage-tokens', 'chat-tokens'].map((name) => `/v1/spaces/:spaceId/${name}`));

/** The turn of a vend whose client is gone ends after this time at the latest, in milliseconds. */
const forgottenMs = 10_000;

/** The routes by which moderators act. To erase a person takes minutes anyway: it has its turn like the rest. */
const actRoute =
  /^\/v1\/(bans|users\/(?!:userId\/data$)|grants\/|spaces\/:spaceId\/(users|members|participants|messages|events|freeze|unfreeze)(\/|$))/;

/** Vends make room for so long for an act, in milliseconds. One that hangs holds up nobody. */
const longestActMs = 5_000;

/** Tenants that nobody has looked up yet share their turns, so that invented spaces win none. */
const unknownTenant = '';

/**
 * Lets requests for tokens wait for their turn before anything is done for them, and ends the turn with the answer. Requests
 * of moderators pass them.
 */
@Injectable()
export class TurnHooks {
  private readonly turns = new WeakMap<FastifyRequest, () => void>();

  constructor(
    private readonly vendTurns: VendTurns,
    private readonly issuers: IssuerDirectory,
  ) {}

  /** Register it after the hook that makes the context of the request, and after those for other origins. */
  register(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', (request, reply, done) => {
      if (request.method === 'POST' && routes.has(request.routeOptions.url ?? '')) {
        void this.begin(request, reply, done);
        return;
      }
      if (passesVends(request.method, request.routeOptions.url ?? '')) this.letPass(request, reply);
      done();
    });
    fastify.addHook('onSend', (request, _reply, payload, done) => {
      this.turns.get(request)?.();
      done(null, payload);
    });
  }

  private letPass(request: FastifyRequest, reply: FastifyReply): void {
    const endAct = this.vendTurns.letPass();
    this.turns.set(request, endAct);
    const timer = setTimeout(endAct, longestActMs).unref();
    reply.raw.once('close', () => {
      clearTimeout(timer);
      endAct();
    });
  }

  private async begin(request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): Promise<void> {
    const { spaceId } = request.params as { spaceId: string };
    try {
      const tenantId = this.issuers.knownTenantOf({ spaceId }) ?? unknownTenant;
      const endTurn = await this.vendTurns.take(tenantId, (leave) => reply.raw.once('close', leave));
      this.turns.set(request, endTurn);
      const current = currentRequest();
      if (current) current.endTurn = endTurn;
      reply.raw.once('close', () => setTimeout(endTurn, forgottenMs).unref());
    } catch (error) {
      if (error instanceof Problem) refuse(error, request, reply);
      else done(error as Error);
      return;
    }
    done();
  }
}

/** Whether a request is an act of a moderator, for which vends make room. `route` is the pattern of Fastify. */
export function passesVends(method: string, route: string): boolean {
  return method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS' && actRoute.test(route);
}
