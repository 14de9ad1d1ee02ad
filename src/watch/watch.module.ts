import { Module } from '@nestjs/common';
import { DeliveryModule } from '../delivery/delivery.module.ts';
import { ConnectedParticipants } from './connected-participants.ts';
import { ParticipantsController } from './participants.controller.ts';
import { ParticipantsService } from './participants.service.ts';
import { StageWatch } from './stage-watch.ts';

@Module({
  imports: [DeliveryModule],
  controllers: [ParticipantsController],
  providers: [ParticipantsService, ConnectedParticipants, StageWatch],
})
export class WatchModule {}
