import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { type ListQuery, listQuery } from '../http/paging.ts';
import {
  type CreateSpaceBody,
  createSpaceBody,
  space,
  spacePage,
  type UpdateSpaceBody,
  updateSpaceBody,
} from './spaces.schemas.ts';
import { SpacesService } from './spaces.service.ts';

const tag = 'Spaces';
const spaceIdSchema = pathId('spc', 'space');

@Controller('v1/spaces')
export class SpacesController {
  constructor(private readonly spaces: SpacesService) {}

  @Post()
  @Endpoint({
    summary: 'Create a space',
    description:
      'A space is what users join. The service creates an IVS stage and an IVS Chat room for it, or adopts existing ones.',
    tag,
    access: { scope: 'spaces:write' },
    answers: { 201: space },
    problems: ['rate_limited', 'conflict', 'quota_exceeded', 'ivs_rejected', 'ivs_unavailable'],
  })
  async create(@CurrentCaller() caller: TenantCaller, @Body({ schema: createSpaceBody }) body: CreateSpaceBody) {
    return await this.spaces.create(caller, body);
  }

  @Get()
  @Endpoint({
    summary: 'List spaces',
    tag,
    access: { scope: 'spaces:read', keepsBounds: true },
    answers: { 200: spacePage },
  })
  async list(@CurrentCaller() caller: TenantCaller, @Query({ schema: listQuery }) query: ListQuery) {
    return await this.spaces.list(caller, query);
  }

  @Get(':spaceId')
  @Endpoint({
    summary: 'Get a space',
    tag,
    access: { scope: 'spaces:read' },
    answers: { 200: space },
    problems: ['not_found'],
  })
  async get(@CurrentCaller() caller: TenantCaller, @Param('spaceId', { schema: spaceIdSchema }) spaceId: string) {
    return await this.spaces.get(caller, spaceId);
  }

  @Patch(':spaceId')
  @Endpoint({
    summary: 'Change, open or close a space',
    tag,
    access: { scope: 'spaces:write' },
    answers: { 200: space },
    problems: ['not_found'],
  })
  async update(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: spaceIdSchema }) spaceId: string,
    @Body({ schema: updateSpaceBody }) body: UpdateSpaceBody,
  ) {
    return await this.spaces.update(caller, spaceId, body);
  }

  @Delete(':spaceId')
  @Endpoint({
    summary: 'Delete a space',
    description:
      'The service deletes the stage and the room, which disconnects everybody. It does not delete an adopted stage or room, and does not disconnect anybody from it.',
    tag,
    access: { scope: 'spaces:write' },
    answers: { 204: null },
    problems: ['rate_limited', 'not_found', 'ivs_rejected', 'ivs_unavailable'],
  })
  async remove(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: spaceIdSchema }) spaceId: string,
  ): Promise<void> {
    await this.spaces.remove(caller, spaceId);
  }
}
