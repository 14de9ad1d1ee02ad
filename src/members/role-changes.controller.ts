import { Body, Controller, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { IssuesTokens } from '../http/idempotency.interceptor.ts';
import { userId as userIdSchema } from '../http/text.ts';
import { type ChangeRoleBody, changeRoleBody, roleChange } from './members.schemas.ts';
import { MembersService } from './members.service.ts';

@Controller('v1/spaces/:spaceId/users/:userId/role')
export class RoleChangesController {
  constructor(private readonly members: MembersService) {}

  @Post()
  @IssuesTokens()
  @Endpoint({
    summary: 'Change a user’s role in a space, now',
    description:
      'What the user holds that allows more is revoked, and an event `stagedoor:role_changed` in the chat room tells the clients to fetch a new token. With a token to exchange in the answer, its participant is disconnected only if it does not exchange within ten seconds, or goes back to the stronger token later. App users act on users of lower rank and give roles of lower rank than their own.',
    tag: 'Moderation',
    access: { scope: 'moderation:write', users: true },
    answers: { 200: roleChange, 202: roleChange },
    problems: ['not_found', 'banned', 'conflict'],
  })
  async changeRole(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: pathId('spc', 'space') }) spaceId: string,
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Body({ schema: changeRoleBody }) body: ChangeRoleBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const change = await this.members.changeRole(caller, spaceId, userId, body);
    void reply.status(change.action?.state === 'pending' ? 202 : 200);
    return change;
  }
}
