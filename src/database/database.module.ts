import { type DynamicModule, Global, Module } from '@nestjs/common';
import { Database, ModerationDatabase } from './database.ts';
import { Reach } from './reach.ts';

@Global()
@Module({})
export class DatabaseModule {
  static with(reach: Reach): DynamicModule {
    return {
      module: DatabaseModule,
      providers: [{ provide: Reach, useValue: reach }, Database, ModerationDatabase],
      exports: [Database, ModerationDatabase],
    };
  }
}
