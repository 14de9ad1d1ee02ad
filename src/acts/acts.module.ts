import { Module } from '@nestjs/common';
import { DeliveryModule } from '../delivery/delivery.module.ts';
import { SpacesModule } from '../spaces/spaces.module.ts';
import { ActPace } from './act-pace.ts';
import { ActionsService } from './actions.service.ts';
import { ActsController } from './acts.controller.ts';
import { ActsService } from './acts.service.ts';
import { DeliveredActions } from './delivered-actions.ts';
import { FreezingService } from './freezing.service.ts';
import { UnfinishedActions } from './unfinished-actions.ts';

@Module({
  imports: [SpacesModule, DeliveryModule],
  controllers: [ActsController],
  providers: [ActPace, ActsService, FreezingService, ActionsService, UnfinishedActions, DeliveredActions],
  exports: [ActPace, ActionsService],
})
export class ActsModule {}
