import { Module } from '@nestjs/common';
import { ActsModule } from '../acts/acts.module.ts';
import { BansController } from './bans.controller.ts';
import { BansService } from './bans.service.ts';

@Module({ imports: [ActsModule], controllers: [BansController], providers: [BansService] })
export class BansModule {}
