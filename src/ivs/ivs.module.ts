import { Global, Module } from '@nestjs/common';
import { IvsCalls } from './ivs-calls.ts';
import { IvsChat } from './ivs-chat.ts';
import { IvsClientPool } from './ivs-clients.ts';
import { IvsRealTime } from './ivs-real-time.ts';

@Global()
@Module({ providers: [IvsClientPool, IvsCalls, IvsRealTime, IvsChat], exports: [IvsRealTime, IvsChat] })
export class IvsModule {}
