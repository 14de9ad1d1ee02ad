import { Module } from '@nestjs/common';
import { EventFeed } from './event-feed.ts';
import { EventStreams } from './event-streams.ts';
import { EventNumberer } from './event-numberer.ts';
import { EventRetention } from './event-retention.ts';
import { EventsController } from './events.controller.ts';
import { EventsService } from './events.service.ts';
import { IssuedGrants } from './issued-grants.ts';

@Module({
  controllers: [EventsController],
  providers: [EventsService, EventNumberer, EventRetention, EventFeed, EventStreams, IssuedGrants],
  exports: [EventFeed, EventStreams],
})
export class EventsModule {}
