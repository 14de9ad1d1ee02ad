import { Controller, Get, Param, Query } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { type ListQuery, listQuery } from '../http/paging.ts';
import { participantPage } from './participants.schemas.ts';
import { ParticipantsService } from './participants.service.ts';

@Controller('v1/spaces/:spaceId/participants')
export class ParticipantsController {
  constructor(private readonly participants: ParticipantsService) {}

  @Get()
  @Endpoint({
    summary: 'List the participants of the stage',
    description:
      'The list is at most one second old. It adds the role and the grant of each participant from the ledger.',
    tag: 'Moderation',
    access: { scope: 'moderation:read', users: true },
    answers: { 200: participantPage },
    problems: ['rate_limited', 'not_found', 'banned', 'ivs_rejected', 'ivs_unavailable'],
  })
  async listParticipants(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: pathId('spc', 'space') }) spaceId: string,
    @Query({ schema: listQuery }) query: ListQuery,
  ) {
    return await this.participants.list(caller, spaceId, query);
  }
}
