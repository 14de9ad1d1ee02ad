import { Global, Module } from '@nestjs/common';
import { CallUses } from './call-uses.ts';
import { IvsCalls } from './ivs-calls.ts';
import { IvsChat } from './ivs-chat.ts';
import { IvsClientPool } from './ivs-clients.ts';
import { IvsPresence } from './ivs-presence.ts';
import { IvsRealTime } from './ivs-real-time.ts';
import { IvsPermissions } from './permission-checks.ts';
import { TenantAttempts } from './tenant-attempts.ts';

@Global()
@Module({
  providers: [IvsClientPool, IvsCalls, CallUses, IvsRealTime, IvsPresence, IvsChat, IvsPermissions, TenantAttempts],
  exports: [IvsCalls, CallUses, IvsRealTime, IvsPresence, IvsChat, IvsPermissions, TenantAttempts],
})
export class IvsModule {}
