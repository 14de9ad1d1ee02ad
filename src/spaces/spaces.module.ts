import { Module } from '@nestjs/common';
import { Provisioning } from './provisioning.ts';
import { SpaceReclaimer } from './space-reclaimer.ts';
import { SpaceRemoval } from './space-removal.ts';
import { SpacesController } from './spaces.controller.ts';
import { SpacesService } from './spaces.service.ts';
import { StageEndpoints } from './stage-endpoints.ts';

@Module({
  controllers: [SpacesController],
  providers: [SpacesService, Provisioning, SpaceRemoval, SpaceReclaimer, StageEndpoints],
  exports: [StageEndpoints, SpacesService, SpaceRemoval],
})
export class SpacesModule {}
