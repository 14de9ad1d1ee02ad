import { Global, Module } from '@nestjs/common';
import { CallerLimits } from './caller-limits.ts';
import { Connections } from './connections.ts';
import { SharedAllowances } from './shared-allowances.ts';
import { Strangers } from './strangers.ts';
import { TenantLimits } from './tenant-limits.ts';

@Global()
@Module({
  providers: [Connections, Strangers, CallerLimits, SharedAllowances, TenantLimits],
  exports: [Connections, Strangers, CallerLimits, TenantLimits],
})
export class LimitingModule {}
