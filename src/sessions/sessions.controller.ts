import { Readable } from 'node:stream';
import { Controller, Get, Headers, Param, Query, Res } from '@nestjs/common';
import { ApiProduces } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { type ListQuery, listQuery } from '../http/paging.ts';
import {
  attendancePage,
  participantEventPage,
  pathParticipantId,
  pathSessionId,
  sessionParticipantPage,
  stageSession,
  stageSessionPage,
} from './sessions.schemas.ts';
import { SessionsService } from './sessions.service.ts';

const access = { scope: 'moderation:read', users: true } as const;
const pathSpaceId = pathId('spc', 'space');

@Controller('v1/spaces/:spaceId/sessions')
export class SessionsController {
  constructor(private readonly sessions: SessionsService) {}

  @Get()
  @Endpoint({
    summary: 'List the sessions of a stage',
    description:
      'A session begins with the first who joins the stage, and ends when everybody has left. The newest comes first.',
    tag: 'Sessions',
    access,
    answers: { 200: stageSessionPage },
    problems: ['rate_limited', 'not_found', 'banned'],
  })
  async listStageSessions(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: pathSpaceId }) spaceId: string,
    @Query({ schema: listQuery }) query: ListQuery,
  ) {
    return await this.sessions.list(caller, spaceId, query);
  }

  @Get(':sessionId')
  @Endpoint({
    summary: 'Get a session of a stage',
    tag: 'Sessions',
    access,
    answers: { 200: stageSession },
    problems: ['rate_limited', 'not_found', 'banned'],
  })
  async getStageSession(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: pathSpaceId }) spaceId: string,
    @Param('sessionId', { schema: pathSessionId }) sessionId: string,
  ) {
    return await this.sessions.get(caller, { spaceId, sessionId });
  }

  @Get(':sessionId/participants')
  @Endpoint({
    summary: 'List the participants of a session',
    description: 'Everybody who is or was there, as far as is known. Who came is known some seconds later.',
    tag: 'Sessions',
    access,
    answers: { 200: sessionParticipantPage },
    problems: ['rate_limited', 'not_found', 'banned'],
  })
  async listSessionParticipants(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: pathSpaceId }) spaceId: string,
    @Param('sessionId', { schema: pathSessionId }) sessionId: string,
    @Query({ schema: listQuery }) query: ListQuery,
  ) {
    return await this.sessions.participants(caller, { spaceId, sessionId }, query);
  }

  @Get(':sessionId/participants/:participantId/events')
  @Endpoint({
    summary: 'List what happened to a participant',
    description:
      'As Amazon IVS lists it, oldest first: joining and leaving, publishing, subscribing, exchanges of tokens, and errors. At most 2,000 events are shown.',
    tag: 'Sessions',
    access,
    answers: { 200: participantEventPage },
    problems: ['rate_limited', 'not_found', 'banned', 'ivs_rejected', 'ivs_unavailable'],
  })
  async listParticipantEvents(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: pathSpaceId }) spaceId: string,
    @Param('sessionId', { schema: pathSessionId }) sessionId: string,
    @Param('participantId', { schema: pathParticipantId }) participantId: string,
    @Query({ schema: listQuery }) query: ListQuery,
  ) {
    return await this.sessions.eventsOf(caller, { spaceId, sessionId, participantId }, query);
  }

  @Get(':sessionId/attendance')
  @ApiProduces('application/json', 'text/csv')
  @Endpoint({
    summary: 'Get the attendance of a session',
    description:
      'How long each participant was there: one entry for each participant, so a user may have several. With `Accept: text/csv` it is a file with all of them, and `limit` and `cursor` do not count. A cell that a spreadsheet would take for a formula begins with an apostrophe.',
    tag: 'Sessions',
    access,
    answers: { 200: attendancePage },
    problems: ['rate_limited', 'not_found', 'banned'],
  })
  async getAttendance(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: pathSpaceId }) spaceId: string,
    @Param('sessionId', { schema: pathSessionId }) sessionId: string,
    @Query({ schema: listQuery }) query: ListQuery,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const ref = { spaceId, sessionId };
    if (!wantsCsv(accept)) {
      const page = await this.sessions.attendance(caller, ref, query);
      void reply.header('vary', 'accept');
      return page;
    }
    const pieces = this.sessions.attendanceAsCsv(caller, ref);
    const first = await pieces.next(); // whoever may not see it gets a problem, and no beginning of a file
    void reply
      .header('vary', 'accept')
      .header('content-type', 'text/csv; charset=utf-8; header=present')
      .header('content-disposition', `attachment; filename="attendance-${sessionId}.csv"`);
    return Readable.from(withFirst(first, pieces));
  }
}

async function* withFirst(first: IteratorResult<string, void>, others: AsyncGenerator<string>): AsyncGenerator<string> {
  if (first.done !== true) yield first.value;
  yield* others;
}

/** Whether the caller asks for CSV, and not for JSON before it. */
function wantsCsv(accept = ''): boolean {
  const types = accept.split(',').map((one) => one.split(';')[0]?.trim().toLowerCase());
  const csv = types.indexOf('text/csv');
  const json = types.indexOf('application/json');
  return csv >= 0 && (json < 0 || csv < json);
}
