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
    description: 'If METRICS_PORT is set, the metrics are served on that port instead, and this route answers 404.',
    tag: 'Health',
    access: { public: true },
    answers: { 200: z.string().meta({ examples: ['stagedoor_stuck_targets 0\n'] }) },
    problems: ['not_found'],
  })
  async getMetrics(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    if (this.settings.metricsPort !== undefined)
      throw new Problem('not_found', 'The metrics are on another port: see METRICS_PORT.');
    reply.type(this.metrics.registry.contentType);
    return await this.metrics.text();
  }
}
