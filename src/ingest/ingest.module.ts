import { Module } from '@nestjs/common';
import { SessionsModule } from '../sessions/sessions.module.ts';
import { EventQueueReader } from './event-queue-reader.ts';
import { IngestController } from './ingest.controller.ts';
import { IngestService } from './ingest.service.ts';
import { IvsEventSweeper } from './ivs-event-sweeper.ts';

@Module({
  imports: [SessionsModule],
  controllers: [IngestController],
  providers: [IngestService, IvsEventSweeper, EventQueueReader],
})
export class IngestModule {}
