import { Body, Controller, Delete, Get, Param, Put, Query } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { type ListQuery, listQuery } from '../http/paging.ts';
import { userId as userIdSchema } from '../http/text.ts';
import { member, memberPage, type PutMemberBody, putMemberBody } from './members.schemas.ts';
import { MembersService } from './members.service.ts';

const tag = 'Members';
const spaceIdSchema = pathId('spc', 'space');

@Controller('v1/spaces/:spaceId/members')
export class MembersController {
  constructor(private readonly members: MembersService) {}

  @Get()
  @Endpoint({
    summary: 'List the members of a space',
    tag,
    access: { scope: 'spaces:read' },
    answers: { 200: memberPage },
    problems: ['not_found'],
  })
  async list(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: spaceIdSchema }) spaceId: string,
    @Query({ schema: listQuery }) query: ListQuery,
  ) {
    return await this.members.list(caller, spaceId, query);
  }

  @Put(':userId')
  @Endpoint({
    summary: 'Give a user a role in a space',
    description: 'If the user holds tokens that allow more than the new role, they are revoked.',
    tag,
    access: { scope: 'members:write' },
    answers: { 200: member },
    problems: ['not_found', 'quota_exceeded'],
  })
  async put(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: spaceIdSchema }) spaceId: string,
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Body({ schema: putMemberBody }) body: PutMemberBody,
  ) {
    return await this.members.put(caller, spaceId, userId, body);
  }

  @Delete(':userId')
  @Endpoint({
    summary: 'Remove the role of a user in a space',
    description: 'If the user holds tokens that allow more than the role they have then, they are revoked.',
    tag,
    access: { scope: 'members:write' },
    answers: { 204: null },
    problems: ['not_found'],
  })
  async remove(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: spaceIdSchema }) spaceId: string,
    @Param('userId', { schema: userIdSchema }) userId: string,
  ): Promise<void> {
    await this.members.remove(caller, spaceId, userId);
  }
}
