import { Controller, Get, Res } from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { ReadinessDatabase } from '../database/database.ts';
import { Endpoint } from '../http/endpoint.ts';
import { Stopping } from './stopping.ts';

const liveness = z.object({ status: z.literal('ok') }).meta({ id: 'Liveness', examples: [{ status: 'ok' }] });
const readiness = z
  .looseObject({ status: z.enum(['ok', 'error', 'shutting_down']) })
  .meta({ id: 'Readiness', examples: [{ status: 'ok', details: { database: { status: 'up' } } }] });

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly database: ReadinessDatabase,
    private readonly stopping: Stopping,
  ) {}

  @Get('live')
  @Endpoint({
    summary: 'Check that the process works',
    description:
      'It does not check the database or Amazon IVS, because a restart of the process would not repair them.',
    tag: 'Health',
    access: { public: true },
    answers: { 200: liveness },
  })
  getLiveness(): z.output<typeof liveness> {
    return { status: 'ok' };
  }

  @Get('ready')
  @Endpoint({
    summary: 'Check that the service can take requests',
    description: 'A 503 means: send no requests here, because the service is stopping or its database does not answer.',
    tag: 'Health',
    access: { public: true },
    answers: { 200: readiness, 503: readiness },
  })
  async getReadiness(@Res({ passthrough: true }) reply: FastifyReply): Promise<unknown> {
    if (this.stopping.hasBegun) return notReady(reply, { status: 'shutting_down' });
    const database = this.indicators.check('database');
    try {
      return await this.health.check([
        async () => {
          // A set of functions that is gone means that this build is too old for the database.
          return (await this.database.isReady()) ? database.up() : database.down();
        },
      ]);
    } catch {
      return notReady(reply, { status: 'error', details: { database: { status: 'down' } } });
    }
  }
}

/** Like every 503 of the service, this one has a `Retry-After`. */
function notReady(reply: FastifyReply, body: z.output<typeof readiness>): z.output<typeof readiness> {
  reply.status(503).header('retry-after', '1');
  return body;
}
