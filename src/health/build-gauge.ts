import { readFileSync } from 'node:fs';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { z } from 'zod';
import { functionSet } from '../database/function-set.ts';
import { Metrics } from '../telemetry/metrics.ts';

/** The file is two folders above src/health and dist/health. */
const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')));

/** Shows which build this replica is, so that an operator sees when the last replica of the release before has ended. */
@Injectable()
export class BuildGauge implements OnModuleInit {
  constructor(private readonly metrics: Metrics) {}

  onModuleInit(): void {
    const build = new Gauge({
      name: 'stagedoor_build_info',
      help: 'Always 1. The labels tell the build of this replica: its version, and its set of SQL functions in the database.',
      labelNames: ['version', 'functions'] as const,
      registers: [],
    });
    build.set({ version, functions: functionSet.schema }, 1);
    this.metrics.registry.registerMetric(build);
  }
}
