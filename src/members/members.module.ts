import { Module } from '@nestjs/common';
import { JoinsModule } from '../joins/joins.module.ts';
import { ActsModule } from '../acts/acts.module.ts';
import { MembersController } from './members.controller.ts';
import { MembersService } from './members.service.ts';
import { RoleChangesController } from './role-changes.controller.ts';
import { RoleChanges } from './role-changes.service.ts';

@Module({
  imports: [JoinsModule, ActsModule],
  controllers: [MembersController, RoleChangesController],
  providers: [MembersService, RoleChanges],
})
export class MembersModule {}
