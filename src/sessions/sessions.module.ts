import { Module } from '@nestjs/common';
import { ReportedEvents } from './reported-events.ts';

@Module({
  providers: [ReportedEvents],
  exports: [ReportedEvents],
})
export class SessionsModule {}
