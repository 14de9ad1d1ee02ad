import { Module } from '@nestjs/common';
import { GrantsModule } from '../grants/grants.module.ts';
import { PresenceLooks } from './presence-looks.ts';
import { PresenceSteps } from './presence-steps.ts';
import { ReportedEvents } from './reported-events.ts';
import { SessionRetention } from './session-retention.ts';

@Module({
  imports: [GrantsModule],
  providers: [ReportedEvents, PresenceLooks, PresenceSteps, SessionRetention],
  exports: [ReportedEvents],
})
export class SessionsModule {}
