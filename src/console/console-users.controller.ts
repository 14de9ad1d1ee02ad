import { Body, Controller, Delete, Get, Param, Put, Query } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { type ListQuery, listQuery } from '../http/paging.ts';
import { userId as userIdSchema } from '../http/text.ts';
import { consoleUser, consoleUserPage, type PutConsoleUserBody, putConsoleUserBody } from './console-users.schemas.ts';
import { ConsoleUsersService } from './console-users.service.ts';

const tag = 'Console';
/** Who gives roles of the console gives everything that the highest of them may do. */
const access = { scope: '*' } as const;

@Controller('v1/console-users')
export class ConsoleUsersController {
  constructor(private readonly users: ConsoleUsersService) {}

  @Get()
  @Endpoint({
    summary: 'List the people of the console',
    tag,
    access,
    answers: { 200: consoleUserPage },
  })
  async list(@CurrentCaller() caller: TenantCaller, @Query({ schema: listQuery }) query: ListQuery) {
    return await this.users.list(caller, query);
  }

  @Put(':userId')
  @Endpoint({
    summary: 'Give a person a role of the console',
    description:
      'They sign in with the identity provider `issuerId`, which gives them this id. Another role counts for their sessions at once. An API key that is bound to roles, spaces or addresses gives nobody a role.',
    tag,
    access,
    answers: { 200: consoleUser },
    problems: ['not_found', 'quota_exceeded'],
  })
  async put(
    @CurrentCaller() caller: TenantCaller,
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Body({ schema: putConsoleUserBody }) body: PutConsoleUserBody,
  ) {
    return await this.users.put(caller, userId, body);
  }

  @Delete(':userId')
  @Endpoint({
    summary: 'Remove a person from the console',
    description:
      'Their sessions end at once. What they have made stays: revoke API keys of theirs by themselves; the audit log names them.',
    tag,
    access: { ...access, evenIfSuspended: true },
    answers: { 204: null },
    problems: ['not_found'],
  })
  async remove(
    @CurrentCaller() caller: TenantCaller,
    @Param('userId', { schema: userIdSchema }) userId: string,
  ): Promise<void> {
    await this.users.remove(caller, userId);
  }
}
