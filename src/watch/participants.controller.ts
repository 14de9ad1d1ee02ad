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
    summary: 'List who is on the stage now',
    description: 'As IVS said within the last second, with what the ledger knows of each.',
    tag: 'Moderation',
    access: { scope: 'moderation:read', users: true },
    answers: { 200: participantPage },
    problems: ['not_found', 'banned', 'ivs_rejected', 'ivs_unavailable'],
  })
  async listParticipants(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: pathId('spc', 'space') }) spaceId: string,
    @Query({ schema: listQuery }) query: ListQuery,
  ) {
    return await this.participants.list(caller, spaceId, query);
  }
}
