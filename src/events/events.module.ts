import { Module } from '@nestjs/common';
import { EventNumberer } from './event-numberer.ts';
import { EventRetention } from './event-retention.ts';

@Module({ providers: [EventNumberer, EventRetention] })
export class EventsModule {}
