import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller.ts';
import { MetricsServer } from './metrics-server.ts';
import { MetricsController } from './metrics.controller.ts';
import { Watchdog } from './watchdog.ts';

@Module({
  imports: [TerminusModule.forRoot({ logger: false })],
  controllers: [HealthController, MetricsController],
  providers: [MetricsServer, Watchdog],
})
export class HealthModule {}
