import { Body, Controller, Post } from '@nestjs/common';
import { z } from 'zod';
import { Endpoint } from '../http/endpoint.ts';
import { IngestService } from './ingest.service.ts';
import { type IvsEvent, ivsEvent } from './ivs-event.ts';

const ingested = z
  .object({
    outcome: z.enum(['taken', 'known', 'ignored']).meta({
      description:
        '`taken`: it is stored. `known`: it has come before. `ignored`: it is about nothing that a tenant has.',
    }),
    reason: z.enum(['source', 'account', 'resource']).optional().meta({
      description:
        'Why it is ignored: it is not from IVS, its account or Region is not that of the tenant, or no tenant has the stage or room.',
    }),
  })
  .meta({ id: 'IngestedIvsEvent', examples: [{ outcome: 'taken' }] });

@Controller('ingest')
export class IngestController {
  constructor(private readonly ingest: IngestService) {}

  @Post('ivs-events')
  @Endpoint({
    summary: 'Take an event of Amazon IVS',
    description:
      'The API destination of an EventBridge rule posts each event here, as it is, with the secret of `IVS_EVENTS_SECRET`. Without that setting the answer is 404. An event may come late, doubled and in any order. It never decides anything about moderation.',
    tag: 'Ingest',
    access: { eventBridge: true },
    answers: { 202: ingested },
    meaning: 'The event is stored, is known, or is ignored. EventBridge need not send it again.',
    problems: ['not_found', 'rate_limited'],
  })
  async takeIvsEvent(@Body({ schema: ivsEvent }) event: IvsEvent) {
    return await this.ingest.take(event, 'http');
  }
}
