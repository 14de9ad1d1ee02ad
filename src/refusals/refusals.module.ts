import { Module } from '@nestjs/common';
import { RefusalCounts } from './refusal-counts.ts';
import { RefusalsController } from './refusals.controller.ts';
import { RefusalsService } from './refusals.service.ts';

@Module({ controllers: [RefusalsController], providers: [RefusalCounts, RefusalsService], exports: [RefusalCounts] })
export class RefusalsModule {}
