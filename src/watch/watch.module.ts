import { Module } from '@nestjs/common';
import { DeliveryModule } from '../delivery/delivery.module.ts';
import { Demotions } from './demotions.ts';
import { MendTimes } from './mend-times.ts';
import { StageLooks } from './stage-looks.ts';
import { StageWatch } from './stage-watch.ts';

@Module({
  imports: [DeliveryModule],
  providers: [Demotions, MendTimes, StageLooks, StageWatch],
})
export class WatchModule {}
