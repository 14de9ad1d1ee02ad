import { Global, Module } from '@nestjs/common';
import { Strangers } from './strangers.ts';

@Global()
@Module({ providers: [Strangers], exports: [Strangers] })
export class LimitingModule {}
