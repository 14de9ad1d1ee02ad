import { Global, Module } from '@nestjs/common';
import { Database, ModerationDatabase } from './database.ts';

@Global()
@Module({ providers: [Database, ModerationDatabase], exports: [Database, ModerationDatabase] })
export class DatabaseModule {}
