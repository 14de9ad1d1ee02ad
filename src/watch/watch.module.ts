import { Module } from '@nestjs/common';
import { DeliveryModule } from '../delivery/delivery.module.ts';
import { ConnectedParticipants } from './connected-participants.ts';
import { ParticipantsController } from './participants.controller.ts';
import { ParticipantsService } from './participants.service.ts';
import { Demotions } from './demotions.ts';
import { MendTimes } from './mend-times.ts';
import { StageLooks } from './stage-looks.ts';
import { StageWatch } from './stage-watch.ts';

@Module({
  imports: [DeliveryModule],
  controllers: [ParticipantsController],
  providers: [ParticipantsService, ConnectedParticipants, Demotions, MendTimes, StageLooks, StageWatch],
})
export class WatchModule {}
