import { Global, Module } from '@nestjs/common';
import { ActsModule } from '../acts/acts.module.ts';
import { OutrankedBans } from '../joins/outranked-bans.ts';
import { BansController } from './bans.controller.ts';
import { BansService } from './bans.service.ts';
import { EndedBans } from './ended-bans.ts';
import { BanRecords } from './record-ban.ts';

@Global()
@Module({
  imports: [ActsModule],
  controllers: [BansController],
  providers: [BanRecords, BansService, EndedBans, { provide: OutrankedBans, useExisting: BansService }],
  exports: [OutrankedBans],
})
export class BansModule {}
