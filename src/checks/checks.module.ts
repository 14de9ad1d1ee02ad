import { Module } from '@nestjs/common';
import { TenantsModule } from '../tenants/tenants.module.ts';
import { ChecksController } from './checks.controller.ts';
import { ChecksService } from './checks.service.ts';

@Module({ imports: [TenantsModule], controllers: [ChecksController], providers: [ChecksService] })
export class ChecksModule {}
