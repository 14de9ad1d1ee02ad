import { Controller, Get, Res } from '@nestjs/common';
import { ApiProduces } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Settings } from '../config.ts';
import { Problem } from '../errors.ts';
import { Endpoint } from '../http/endpoint.ts';
import { Metrics } from '../telemetry/metrics.ts';

@Controller('metrics')
export class MetricsController {
  constructor(
    private readonly metrics: Metrics,
    private readonly settings: Settings,
  ) {}

  @Get()
  @ApiProduces('text/plain')
  @Endpoint({
    summary: 'Get the metrics for Prometheus',
    description:
      'The metrics are a second old at most. This route answers 404 unless METRICS_PUBLIC is true. If METRICS_PORT is set, they are served on that port alone.',
    tag: 'Health',
    access: { public: true },
    answers: { 200: z.string().meta({ examples: ['stagedoor_stuck_deliveries 0\n'] }) },
    problems: ['not_found'],
  })
  async getMetrics(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    if (!this.settings.metricsPublic) {
      throw new Problem('not_found', 'The metrics are not on this port: see METRICS_PORT and METRICS_PUBLIC.');
    }
    reply.type(this.metrics.registry.contentType);
    return await this.metrics.text();
  }
}
