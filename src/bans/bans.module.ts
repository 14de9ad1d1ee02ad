import { Module } from '@nestjs/common';
import { ModerationModule } from '../moderation/moderation.module.ts';
import { BansController } from './bans.controller.ts';
import { BansService } from './bans.service.ts';

@Module({ imports: [ModerationModule], controllers: [BansController], providers: [BansService] })
export class BansModule {}
