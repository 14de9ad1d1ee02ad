import { Module } from '@nestjs/common';
import { SpacesModule } from '../spaces/spaces.module.ts';
import { ActionsService } from './actions.service.ts';
import { ConnectedParticipants } from './connected-participants.ts';
import { Delivery } from './delivery.ts';
import { FreezingService } from './freezing.service.ts';
import { ModerationController } from './moderation.controller.ts';
import { ModerationService } from './moderation.service.ts';
import { StageWatch } from './stage-watch.ts';
import { UnfinishedActs } from './unfinished-acts.ts';
import { Watchdog } from './watchdog.ts';

@Module({
  imports: [SpacesModule],
  controllers: [ModerationController],
  providers: [
    ModerationService,
    ConnectedParticipants,
    FreezingService,
    ActionsService,
    Delivery,
    StageWatch,
    UnfinishedActs,
    Watchdog,
  ],
  exports: [ActionsService],
})
export class ModerationModule {}
