import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { noBody } from '../http/text.ts';
import { type DeliveriesQuery, deliveriesQuery, webhookDelivery, webhookDeliveryPage } from './deliveries.schemas.ts';
import { DeliveriesService } from './deliveries.service.ts';
import { type ReplayWebhookBody, replayWebhookBody, webhook } from './webhooks.schemas.ts';

const tag = 'Webhooks';
const access = { scope: 'webhooks:write' } as const;
const webhookId = pathId('whk', 'webhook endpoint');
const deliveryId = pathId('whd', 'delivery');

@Controller('v1/webhooks/:webhookId')
export class DeliveriesController {
  constructor(private readonly deliveries: DeliveriesService) {}

  @Get('deliveries')
  @Endpoint({
    summary: 'List the deliveries of a webhook endpoint',
    description:
      'The newest first. An endpoint keeps the last 1,000 that were delivered and the last 1,000 that failed, for seven days after their end, and all that are pending.',
    tag,
    access,
    answers: { 200: webhookDeliveryPage },
    problems: ['not_found'],
  })
  async listDeliveries(
    @CurrentCaller() caller: TenantCaller,
    @Param('webhookId', { schema: webhookId }) id: string,
    @Query({ schema: deliveriesQuery }) query: DeliveriesQuery,
  ) {
    return await this.deliveries.list(caller, id, query);
  }

  @Post('deliveries/:deliveryId/retry')
  @Endpoint({
    summary: 'Send a delivery again',
    description: 'The event is sent again soon, with the same `webhook-id`, whether it was delivered, failed or waits.',
    tag,
    access,
    answers: { 202: webhookDelivery },
    problems: ['not_found', 'conflict', 'rate_limited'],
  })
  async retryDelivery(
    @CurrentCaller() caller: TenantCaller,
    @Param('webhookId', { schema: webhookId }) id: string,
    @Param('deliveryId', { schema: deliveryId }) deliveryId: string,
    @Body({ schema: noBody }) _body: object,
  ) {
    return await this.deliveries.retry(caller, id, deliveryId);
  }

  @Post('test')
  @Endpoint({
    summary: 'Send a test event to a webhook endpoint',
    description:
      'An event of the type `webhook.test`, which is in no log and which no other endpoint gets. The list of deliveries tells how it went.',
    tag,
    access,
    answers: { 202: webhookDelivery },
    problems: ['not_found', 'conflict', 'rate_limited'],
  })
  async testWebhook(
    @CurrentCaller() caller: TenantCaller,
    @Param('webhookId', { schema: webhookId }) id: string,
    @Body({ schema: noBody }) _body: object,
  ) {
    return await this.deliveries.test(caller, id);
  }

  @Post('replay')
  @Endpoint({
    summary: 'Send past events again',
    description:
      'All events since a time that the log still has, in its order, each with the same `webhook-id` as before. The replay goes on in the background, also when a replica ends; `replay` of the endpoint is null when the last one was handed over. Another replay takes its place.',
    tag,
    access,
    answers: { 202: webhook },
    problems: ['not_found', 'conflict'],
  })
  async replayWebhook(
    @CurrentCaller() caller: TenantCaller,
    @Param('webhookId', { schema: webhookId }) id: string,
    @Body({ schema: replayWebhookBody }) body: ReplayWebhookBody,
  ) {
    return await this.deliveries.replay(caller, id, body);
  }
}
