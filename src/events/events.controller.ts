import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiProduces } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { EventStreams } from './event-streams.ts';
import {
  eventPage,
  eventStream,
  type EventStreamQuery,
  eventStreamQuery,
  type EventsQuery,
  eventsQuery,
} from './events.schemas.ts';
import { EventsService } from './events.service.ts';

const streamDescription = `Server-sent events, from now on or after \`Last-Event-ID\`. None is skipped and none comes twice, however often the
connection is cut. A comment comes every 15 seconds if nothing else does. The credential is checked again every minute.

The stream ends with the event \`stagedoor.closed\`, whose data name the reason: \`stopping\` (connect again), \`slow\` (the reader took
nothing for a minute) or \`unauthenticated\`.
The event \`stagedoor.missed\` says how many events after \`Last-Event-ID\` were dropped for their age. Both have no \`id\`.`;

@Controller('v1/events')
export class EventsController {
  constructor(
    private readonly events: EventsService,
    private readonly streams: EventStreams,
  ) {}

  @Get()
  @Endpoint({
    summary: 'List events',
    description:
      'The oldest event comes first, and none is skipped: an event that is committed later comes later. Follow `nextCursor` for ever. A key that is bound to spaces names one of them.',
    tag: 'Events',
    access: { scope: 'events:read' },
    answers: { 200: eventPage },
    problems: ['rate_limited'],
  })
  async list(@CurrentCaller() caller: TenantCaller, @Query({ schema: eventsQuery }) query: EventsQuery) {
    return await this.events.list(caller, query);
  }

  @Get('stream')
  @ApiProduces('text/event-stream')
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description:
      'Id of the last event that the reader has. The stream goes on after it. Browsers send it by themselves.',
    schema: { type: 'string', maxLength: 64 },
  })
  @Endpoint({
    summary: 'Stream events',
    description: streamDescription,
    tag: 'Events',
    access: { scope: 'events:read' },
    answers: { 200: eventStream },
    problems: ['rate_limited'],
  })
  async streamEvents(
    @CurrentCaller() caller: TenantCaller,
    @Query({ schema: eventStreamQuery }) { type: types, spaceId }: EventStreamQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.streams.open(caller, { types, spaceId }, request.headers['last-event-id'] as string | undefined, reply);
  }
}
