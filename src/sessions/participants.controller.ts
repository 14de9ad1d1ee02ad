import { Controller, Get, Param, Query } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { participantPage, type ParticipantsQuery, participantsQuery } from './participants.schemas.ts';
import { ParticipantsService } from './participants.service.ts';

@Controller('v1/spaces/:spaceId/participants')
export class ParticipantsController {
  constructor(private readonly participants: ParticipantsService) {}

  @Get()
  @Endpoint({
    summary: 'List who is in a space now',
    description:
      'Those on the stage come first, as Amazon IVS listed them at most a second ago, or as its events have reported since. If Amazon IVS cannot be asked at the moment, a list of the last minute is shown: `seenAt` tells. With `certainty=presumed` those follow who hold a token that can be used, for the stage or for the chat room. The ledger adds the role and the grant.',
    tag: 'Moderation',
    access: { scope: 'moderation:read', users: true },
    answers: { 200: participantPage },
    problems: ['rate_limited', 'not_found', 'banned', 'ivs_rejected', 'ivs_unavailable'],
  })
  async listParticipants(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: pathId('spc', 'space') }) spaceId: string,
    @Query({ schema: participantsQuery }) query: ParticipantsQuery,
  ) {
    return await this.participants.list(caller, spaceId, query);
  }
}
