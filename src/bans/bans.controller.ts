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
const access = { scope: 'moderation:write', users: true, evenIfSuspended: true } as const;
const readAccess = { scope: 'moderation:read', users: true } as const;
/** Of routes that name a ban. The service looks up its space. */
const oneBan = { keepsBounds: true } as const;

@Controller('v1/bans')
export class BansController {
  constructor(private readonly bans: BansService) {}

  @Post()
  @Endpoint({
    summary: 'Ban a user',
    description:
      'From now on the user gets no tokens where the ban covers them. Then they are disconnected there. `action` tells how far that has come. The service continues pending deliveries by itself. A user who never joined can be banned too. The ban of an app user binds only users of a lower rank. If the user turns out to have their rank or a higher one, the ban does not hold: it ends when they come, and `outranked` says so.',
    tag,
    access,
    answers: { 201: banAnswer },
    problems: ['not_found', 'banned', 'rate_limited', 'quota_exceeded'],
  })
  async create(@CurrentCaller() caller: TenantCaller, @Body({ schema: createBanBody }) body: CreateBanBody) {
    return await this.bans.create(caller, body);
  }

  @Get()
  @Endpoint({
    summary: 'List bans',
    description:
      'The newest ban comes first. The list holds expired and lifted bans too. App users must name a space in which they moderate, unless they moderate the whole tenant.',
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
    access: { ...readAccess, ...oneBan },
    answers: { 200: ban },
    problems: ['not_found', 'banned'],
  })
  async get(@CurrentCaller() caller: TenantCaller, @Param('banId', { schema: banIdSchema }) banId: string) {
    return await this.bans.get(caller, banId);
  }

  @Delete(':banId')
  @Endpoint({
    summary: 'Lift a ban',
    description:
      'It also cancels the deliveries of the ban that are not settled. It waits for calls that Amazon IVS may still carry out, twelve seconds at most.',
    tag,
    access: { ...access, ...oneBan },
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
