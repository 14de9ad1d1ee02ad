import { Module } from '@nestjs/common';
import { CallQuotasController } from './call-quotas.controller.ts';
import { CallQuotasService } from './call-quotas.service.ts';

@Module({ controllers: [CallQuotasController], providers: [CallQuotasService] })
export class CallQuotasModule {}
