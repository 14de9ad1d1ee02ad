import { Controller, Delete, Get, Param } from '@nestjs/common';
import { action } from '../acts/actions.schemas.ts';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { userId as userIdSchema } from '../http/text.ts';
import { erasure } from './erasures.schemas.ts';
import { ErasuresService } from './erasures.service.ts';

const tag = 'Privacy';
const access = { scope: 'privacy:write' } as const;

@Controller('v1')
export class ErasuresController {
  constructor(private readonly erasures: ErasuresService) {}

  @Delete('users/:userId/data')
  @Endpoint({
    summary: 'Erase a person',
    description:
      'Revokes the grants of the user, and closes connections with them. Then the service goes over all rows of the tenant: member rows and notes about the user are deleted, and in grants, sessions, events and acts a name stands in the place of the user id. Bans hold on under this name, which is a keyed hash. The action is the revocation; `GET /v1/erasures/{erasureId}` with its id says how far the erasure has come, and what remains. Who comes back later begins anew.',
    tag,
    access,
    answers: { 202: action },
    problems: ['rate_limited'],
  })
  async eraseUser(@CurrentCaller() caller: TenantCaller, @Param('userId', { schema: userIdSchema }) userId: string) {
    return await this.erasures.begin(caller, userId);
  }

  @Get('erasures/:erasureId')
  @Endpoint({
    summary: 'Get an erasure',
    description:
      'It says how far the service has come, and what remains and why. Its id is that of the action. Once it is finished it can be read for as long as the audit log is kept.',
    tag,
    access,
    answers: { 200: erasure },
    problems: ['not_found'],
  })
  async getErasure(
    @CurrentCaller() caller: TenantCaller,
    @Param('erasureId', { schema: pathId('act', 'erasure') }) erasureId: string,
  ) {
    return await this.erasures.get(caller, erasureId);
  }
}
