import { Global, Module } from '@nestjs/common';
import { IvsCalls } from './ivs-calls.ts';
import { IvsChat } from './ivs-chat.ts';
import { IvsClientPool } from './ivs-clients.ts';
import { IvsRealTime } from './ivs-real-time.ts';
import { TenantAttempts } from './tenant-attempts.ts';

@Global()
@Module({
  providers: [IvsClientPool, IvsCalls, IvsRealTime, IvsChat, TenantAttempts],
  exports: [IvsRealTime, IvsChat, TenantAttempts],
})
export class IvsModule {}
