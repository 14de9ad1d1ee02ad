import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { ShowsSecret } from '../http/idempotency.interceptor.ts';
import { pathId } from '../http/ids.ts';
import { type ListQuery, listQuery } from '../http/paging.ts';
import {
  type CreateWebhookBody,
  createWebhookBody,
  type RotateWebhookBody,
  rotateWebhookBody,
  type UpdateWebhookBody,
  updateWebhookBody,
  webhook,
  webhookPage,
  webhookWithSecret,
} from './webhooks.schemas.ts';
import { WebhooksService } from './webhooks.service.ts';

const tag = 'Webhooks';
const access = { scope: 'webhooks:write' } as const;
const webhookId = pathId('whk', 'webhook endpoint');

@Controller('v1/webhooks')
export class WebhooksController {
  constructor(private readonly webhooks: WebhooksService) {}

  @Post()
  @ShowsSecret()
  @Endpoint({
    summary: 'Create a webhook endpoint',
    description:
      'The service posts each event from now on to the URL, signed as Standard Webhooks says, until the receiver answers 2xx: at least once, for three days. The answer shows the secret once, and never again.',
    tag,
    access,
    answers: { 201: webhookWithSecret },
    problems: ['quota_exceeded'],
  })
  async create(@CurrentCaller() caller: TenantCaller, @Body({ schema: createWebhookBody }) body: CreateWebhookBody) {
    return await this.webhooks.create(caller, body);
  }

  @Get()
  @Endpoint({
    summary: 'List webhook endpoints',
    tag,
    access,
    answers: { 200: webhookPage },
  })
  async list(@CurrentCaller() caller: TenantCaller, @Query({ schema: listQuery }) query: ListQuery) {
    return await this.webhooks.list(caller, query);
  }

  @Get(':webhookId')
  @Endpoint({
    summary: 'Get a webhook endpoint',
    tag,
    access,
    answers: { 200: webhook },
    problems: ['not_found'],
  })
  async get(@CurrentCaller() caller: TenantCaller, @Param('webhookId', { schema: webhookId }) id: string) {
    return await this.webhooks.get(caller, id);
  }

  @Patch(':webhookId')
  @Endpoint({
    summary: 'Change a webhook endpoint',
    description:
      'Another URL gets what the one before has not taken. A disabled endpoint that is enabled goes on where it stopped; events that the log has dropped since are counted in `skippedEvents`.',
    tag,
    access,
    answers: { 200: webhook },
    problems: ['not_found'],
  })
  async update(
    @CurrentCaller() caller: TenantCaller,
    @Param('webhookId', { schema: webhookId }) id: string,
    @Body({ schema: updateWebhookBody }) body: UpdateWebhookBody,
  ) {
    return await this.webhooks.update(caller, id, body);
  }

  @Delete(':webhookId')
  @Endpoint({
    summary: 'Delete a webhook endpoint',
    description: 'Nothing is sent to it any more, but for what is on its way.',
    tag,
    access,
    answers: { 204: null },
    problems: ['not_found'],
  })
  async remove(
    @CurrentCaller() caller: TenantCaller,
    @Param('webhookId', { schema: webhookId }) id: string,
  ): Promise<void> {
    await this.webhooks.remove(caller, id);
  }

  @Post(':webhookId/rotate')
  @ShowsSecret()
  @Endpoint({
    summary: 'Replace the secret of a webhook endpoint',
    description:
      'For `graceSeconds`, webhooks have two signatures: with the new secret, and with the one before. A further rotation ends that of the secret before.',
    tag,
    access,
    answers: { 200: webhookWithSecret },
    problems: ['not_found'],
  })
  async rotate(
    @CurrentCaller() caller: TenantCaller,
    @Param('webhookId', { schema: webhookId }) id: string,
    @Body({ schema: rotateWebhookBody }) body: RotateWebhookBody,
  ) {
    return await this.webhooks.rotate(caller, id, body);
  }
}
