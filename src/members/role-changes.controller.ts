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
    summary: 'Change the role of a user in a space at once',
    description:
      'Tokens of the user that allow more than the new role are revoked. The event `stagedoor:role_changed` in the chat room tells clients to get a new token. If the answer has an exchange token, its participant is disconnected only if they do not exchange it within ten seconds, or use the stronger token again later. If the answer is late and 503, the change holds, and a repeated request gets an exchange token. App users can act only on users of a lower rank than their own, and give only roles of a lower rank. The role does not hold for a user whose JWT claims a role of their rank or a higher one: `outrankedAt` of the member says so.',
    tag: 'Moderation',
    access: { scope: 'moderation:write', users: true },
    answers: { 200: roleChange, 202: roleChange },
    problems: ['not_found', 'banned', 'conflict', 'rate_limited', 'quota_exceeded'],
  })
  async changeUserRole(
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
