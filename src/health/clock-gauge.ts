import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { DatabaseClock } from '../database/database-clock.ts';
import { Metrics } from '../telemetry/metrics.ts';

/** Shows how far the clock of this replica is from that of the database. It is computed when it is read. */
@Injectable()
export class ClockGauge implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly clock: DatabaseClock,
  ) {}

  onModuleInit(): void {
    const { clock } = this;
    this.metrics.registry.registerMetric(
      new Gauge({
        name: 'stagedoor_clock_skew_seconds',
        help: 'Seconds by which the clock of this replica is ahead of the database; negative if it is behind.',
        registers: [],
        collect() {
          this.set(clock.skewSeconds);
        },
      }),
    );
  }
}
