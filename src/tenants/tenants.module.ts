import { Module } from '@nestjs/common';
import { SettingsController } from './tenant-settings.controller.ts';
import { TenantSettingsService } from './tenant-settings.service.ts';
import { TenantsController } from './tenants.controller.ts';
import { TenantsService } from './tenants.service.ts';

@Module({
  controllers: [TenantsController, SettingsController],
  providers: [TenantsService, TenantSettingsService],
  exports: [TenantsService, TenantSettingsService],
})
export class TenantsModule {}
