import { Global, Module } from '@nestjs/common';
import { CallerLimits } from './caller-limits.ts';
import { SharedAllowances } from './shared-allowances.ts';
import { Strangers } from './strangers.ts';
import { TenantLimits } from './tenant-limits.ts';

@Global()
@Module({
  providers: [Strangers, CallerLimits, SharedAllowances, TenantLimits],
  exports: [Strangers, CallerLimits, TenantLimits],
})
export class LimitingModule {}
