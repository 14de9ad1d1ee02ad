import { Global, Module } from '@nestjs/common';
import { IvsCalls } from './ivs-calls.ts';
import { IvsChat } from './ivs-chat.ts';
import { IvsClientPool } from './ivs-clients.ts';
import { IvsPresence } from './ivs-presence.ts';
import { IvsRealTime } from './ivs-real-time.ts';
import { TenantAttempts } from './tenant-attempts.ts';

@Global()
@Module({
  providers: [IvsClientPool, IvsCalls, IvsRealTime, IvsPresence, IvsChat, TenantAttempts],
  exports: [IvsRealTime, IvsPresence, IvsChat, TenantAttempts],
})
export class IvsModule {}
