import { Controller, Get, Res } from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { DatabaseClock, mostSkewSeconds } from '../database/database-clock.ts';
import { ReadinessDatabase } from '../database/database.ts';
import { Endpoint } from '../http/endpoint.ts';
import { Journal } from '../journal/journal.ts';
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
    private readonly clock: DatabaseClock,
    private readonly journal: Journal,
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
    description:
      'A 503 means: send no requests here, because the service is stopping, its database does not answer or is older than its journal, or its clock is wrong by more than 30 s.',
    tag: 'Health',
    access: { public: true },
    answers: { 200: readiness, 503: readiness },
  })
  async getReadiness(@Res({ passthrough: true }) reply: FastifyReply): Promise<unknown> {
    if (this.stopping.hasBegun) return notReady(reply, { status: 'shutting_down' });
    const wrong = this.wrongClock();
    if (wrong) return notReady(reply, { status: 'error', details: { clock: { status: 'down', message: wrong } } });
    const database = this.indicators.check('database');
    let why: string | undefined;
    let answer: unknown;
    try {
      answer = await this.health.check([
        async () => {
          // The set of functions is missing if this build is too old for the database, or too new.
          why = await this.database.whyNotReady();
          return why === undefined ? database.up() : database.down();
        },
      ]);
    } catch {
      return notReady(reply, { status: 'error', details: { database: { status: 'down', message: why } } });
    }
    const message = this.journal.whyNotReady;
    return message === undefined
      ? answer
      : notReady(reply, { status: 'error', details: { journal: { status: 'down', message } } });
  }

  /** What is wrong with the clock of this replica, if it differs too much from the clock of the database. */
  private wrongClock(): string | undefined {
    const skew = Math.round(this.clock.skewSeconds);
    if (Math.abs(skew) <= mostSkewSeconds) return undefined;
    return `The clock of this replica is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} the clock of the database. Set both by NTP.`;
  }
}

/** Like every 503 of the service, this one has a `Retry-After`. */
function notReady(reply: FastifyReply, body: z.output<typeof readiness>): z.output<typeof readiness> {
  reply.status(503).header('retry-after', '1');
  return body;
}
