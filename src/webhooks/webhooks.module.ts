import { Module } from '@nestjs/common';
import { DeliveriesController } from './deliveries.controller.ts';
import { DeliveriesService } from './deliveries.service.ts';
import { WebhookSender } from './webhook-sender.ts';
import { WebhookSweeper } from './webhook-sweeper.ts';
import { WebhooksController } from './webhooks.controller.ts';
import { WebhooksService } from './webhooks.service.ts';
import { SealedColumns } from '../secrets/sealed-columns.ts';
import { sealedSecrets } from './sealed-secrets.ts';

@Module({
  controllers: [WebhooksController, DeliveriesController],
  providers: [WebhooksService, DeliveriesService, WebhookSender, WebhookSweeper],
})
export class WebhooksModule {
  constructor(columns: SealedColumns) {
    columns.add(sealedSecrets);
  }
}
