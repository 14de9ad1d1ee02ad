import { Module } from '@nestjs/common';
import { GrantsModule } from '../grants/grants.module.ts';
import { ConnectedParticipants } from './connected-participants.ts';
import { ParticipantsController } from './participants.controller.ts';
import { ParticipantsService } from './participants.service.ts';
import { PresenceLooks } from './presence-looks.ts';
import { PresenceSteps } from './presence-steps.ts';
import { ReportedEvents } from './reported-events.ts';
import { SessionRetention } from './session-retention.ts';
import { SessionsController } from './sessions.controller.ts';
import { SessionsService } from './sessions.service.ts';

@Module({
  imports: [GrantsModule],
  controllers: [ParticipantsController, SessionsController],
  providers: [
    ParticipantsService,
    ConnectedParticipants,
    SessionsService,
    ReportedEvents,
    PresenceLooks,
    PresenceSteps,
    SessionRetention,
  ],
  exports: [ReportedEvents],
})
export class SessionsModule {}
