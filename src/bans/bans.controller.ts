import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { type ReasonBody, reasonBody } from '../acts/acts.schemas.ts';
import {
  ban,
  banAnswer,
  banPage,
  type BansQuery,
  bansQuery,
  type CreateBanBody,
  createBanBody,
} from './bans.schemas.ts';
import { BansService } from './bans.service.ts';

const tag = 'Bans';
const banIdSchema = pathId('ban', 'ban');
const access = { scope: 'moderation:write', users: true } as const;
const readAccess = { scope: 'moderation:read', users: true } as const;

@Controller('v1/bans')
export class BansController {
  constructor(private readonly bans: BansService) {}

  @Post()
  @Endpoint({
    summary: 'Ban a user',
    description:
      'Every vending route refuses the user from now on; then the user is disconnected everywhere the ban covers. `action` tells how far that has come; what is pending goes on by itself. Also for users who were never here.',
    tag,
    access,
    answers: { 201: banAnswer },
    problems: ['not_found', 'banned'],
  })
  async create(@CurrentCaller() caller: TenantCaller, @Body({ schema: createBanBody }) body: CreateBanBody) {
    return await this.bans.create(caller, body);
  }

  @Get()
  @Endpoint({
    summary: 'List bans: in force, and the history',
    description: 'Newest first. App users name a space in which they moderate, unless they moderate the whole tenant.',
    tag,
    access: readAccess,
    answers: { 200: banPage },
    problems: ['banned'],
  })
  async list(@CurrentCaller() caller: TenantCaller, @Query({ schema: bansQuery }) query: BansQuery) {
    return await this.bans.list(caller, query);
  }

  @Get(':banId')
  @Endpoint({
    summary: 'Get a ban',
    tag,
    access: readAccess,
    answers: { 200: ban },
    problems: ['not_found', 'banned'],
  })
  async get(@CurrentCaller() caller: TenantCaller, @Param('banId', { schema: banIdSchema }) banId: string) {
    return await this.bans.get(caller, banId);
  }

  @Delete(':banId')
  @Endpoint({
    summary: 'Lift a ban',
    description: 'Also calls off what the ban still had to do.',
    tag,
    access,
    answers: { 200: ban },
    problems: ['not_found', 'banned', 'conflict'],
  })
  async lift(
    @CurrentCaller() caller: TenantCaller,
    @Param('banId', { schema: banIdSchema }) banId: string,
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
  ) {
    return await this.bans.lift(caller, banId, reason);
  }
}
