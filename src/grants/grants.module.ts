import { Module } from '@nestjs/common';
import { ExpectedParticipants } from './expected-participants.ts';
import { GrantsController } from './grants.controller.ts';
import { GrantsService } from './grants.service.ts';
import { IssuedTeller } from './issued-teller.ts';
import { PendingSweeper } from './pending-sweeper.ts';

@Module({
  controllers: [GrantsController],
  providers: [GrantsService, IssuedTeller, PendingSweeper, ExpectedParticipants],
  exports: [ExpectedParticipants],
})
export class GrantsModule {}
