import { Controller, Get, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { OperatorCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { checks, permissions, type PermissionsQuery, permissionsQuery } from './checks.schemas.ts';
import { ChecksService } from './checks.service.ts';

const tag = 'Checks';
const access = { operator: true } as const;

@Controller('v1/checks')
export class ChecksController {
  constructor(private readonly checks: ChecksService) {}

  @Get()
  @Endpoint({
    summary: 'Check the settings and the database',
    description:
      'What is wrong with the settings of the replica that answers, and with its database: the role that it serves as, its rights, row-level security, migrations, functions, encryption, durability, and clocks. Nothing is changed.',
    tag,
    access,
    answers: { 200: checks },
  })
  async list(@CurrentCaller() caller: OperatorCaller, @Req() request: FastifyRequest) {
    return await this.checks.list(caller, {
      isForwarded: request.headers['x-forwarded-for'] !== undefined,
      isBelieved: (request.ips?.length ?? 0) > 1,
      peer: request.socket.remoteAddress ?? 'an unknown address',
    });
  }

  @Get('ivs')
  @Endpoint({
    summary: 'Check the permissions at Amazon IVS',
    description:
      'Tries each action that the service needs at Amazon IVS, by a call that changes nothing: about a thing that is not there, or with what IVS refuses. An account and Region can be checked once in 20 seconds.',
    tag,
    access,
    answers: { 200: permissions },
    problems: ['not_found'],
  })
  async listPermissions(
    @CurrentCaller() caller: OperatorCaller,
    @Query({ schema: permissionsQuery }) query: PermissionsQuery,
  ) {
    return await this.checks.permissions(caller, query);
  }
}
