import { Module } from '@nestjs/common';
import { SpacesModule } from '../spaces/spaces.module.ts';
import { AdmissionService } from './admission.ts';
import { JoinsController } from './joins.controller.ts';
import { JoinsService } from './joins.service.ts';
import { Mints } from './mints.ts';

@Module({
  imports: [SpacesModule],
  controllers: [JoinsController],
  providers: [JoinsService, AdmissionService, Mints],
  exports: [Mints],
})
export class JoinsModule {}
