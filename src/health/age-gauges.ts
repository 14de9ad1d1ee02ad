import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { Counter, Gauge } from 'prom-client';
import { BackgroundWork } from '../background.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { Watchdog } from './watchdog.ts';

/**
 * What background work tells of itself: its failures, and gauges of age that grow when this replica does nothing. They are computed when they are read, so a replica whose background
 * work fails, or hangs, cannot show an old value.
 */
@Injectable()
export class AgeGauges implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly watchdog: Watchdog,
    private readonly discovery: DiscoveryService,
  ) {}

  onModuleInit(): void {
    const { watchdog } = this;
    const works = this.discovery
      .getProviders()
      .map(({ instance }): unknown => instance)
      .filter((instance) => instance instanceof BackgroundWork);
    const runAge = new Gauge({
      name: 'stagedoor_background_run_age_seconds',
      help: 'Time since a run of this background work last succeeded on this replica, or since the replica started.',
      labelNames: ['work'] as const,
      registers: [],
      collect() {
        for (const work of works) this.set({ work: work.constructor.name }, work.secondsSinceSuccess);
      },
    });
    const interval = new Gauge({
      name: 'stagedoor_background_run_interval_seconds',
      help: 'Time that this background work rests between two runs. An age far above it means that runs fail or hang.',
      labelNames: ['work'] as const,
      registers: [],
      collect() {
        for (const work of works) this.set({ work: work.constructor.name }, work.secondsBetweenRuns);
      },
    });
    const failures = new Counter({
      name: 'stagedoor_background_failures_total',
      help: 'Failures of this background work on this replica: of runs, and of parts that a run has passed over.',
      labelNames: ['work'] as const,
      registers: [],
      collect() {
        this.reset();
        for (const work of works) this.inc({ work: work.constructor.name }, work.failures);
      },
    });
    const passAge = new Gauge({
      name: 'stagedoor_watchdog_pass_age_seconds',
      help: 'Time since the watchdog last finished a pass over all bans, on whichever replica, or since the replica started.',
      registers: [],
      collect() {
        this.set(watchdog.secondsSinceWholePass);
      },
    });
    const passLength = new Gauge({
      name: 'stagedoor_watchdog_pass_seconds',
      help: 'How long the last pass of the watchdog over all bans took.',
      registers: [],
      collect() {
        this.set(watchdog.secondsOfLastPass);
      },
    });
    for (const metric of [runAge, interval, failures, passAge, passLength])
      this.metrics.registry.registerMetric(metric);
  }
}
