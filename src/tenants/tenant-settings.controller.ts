import { Body, Controller, Get, Patch } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { tenantSettings, type UpdateSettingsBody, updateSettingsBody } from './tenant-settings.schemas.ts';
import { TenantSettingsService } from './tenant-settings.service.ts';

const tag = 'Settings';

@Controller('v1/settings')
export class SettingsController {
  constructor(private readonly settings: TenantSettingsService) {}

  @Get()
  @Endpoint({
    summary: 'Get the settings of the tenant',
    tag,
    access: { scope: 'settings:write', orScope: 'moderation:read', keepsBounds: true },
    answers: { 200: tenantSettings },
  })
  async get(@CurrentCaller() caller: TenantCaller) {
    return await this.settings.get(caller);
  }

  @Patch()
  @Endpoint({
    summary: 'Change the settings of the tenant',
    description:
      'What is older than the new number of days is deleted soon after the change. What is deleted does not come back with a larger number.',
    tag,
    access: { scope: 'settings:write' },
    answers: { 200: tenantSettings },
  })
  async update(@CurrentCaller() caller: TenantCaller, @Body({ schema: updateSettingsBody }) body: UpdateSettingsBody) {
    return await this.settings.update(caller, body);
  }
}
