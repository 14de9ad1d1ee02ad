import { Module } from '@nestjs/common';
import { GrantsController } from './grants.controller.ts';
import { GrantsService } from './grants.service.ts';
import { PendingSweeper } from './pending-sweeper.ts';

@Module({ controllers: [GrantsController], providers: [GrantsService, PendingSweeper] })
export class GrantsModule {}
