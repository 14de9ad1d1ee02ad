import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { JournalModule } from '../journal/journal.module.ts';
import { AgeGauges } from './age-gauges.ts';
import { BuildGauge } from './build-gauge.ts';
import { ClockGauge } from './clock-gauge.ts';
import { HealthController } from './health.controller.ts';
import { MetricsServer } from './metrics-server.ts';
import { MetricsController } from './metrics.controller.ts';
import { Stopping } from './stopping.ts';
import { Watchdog } from './watchdog.ts';

@Module({
  imports: [DiscoveryModule, JournalModule, TerminusModule.forRoot({ logger: false })],
  controllers: [HealthController, MetricsController],
  providers: [AgeGauges, BuildGauge, ClockGauge, MetricsServer, Stopping, Watchdog],
})
export class HealthModule {}
