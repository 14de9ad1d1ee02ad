import { Module } from '@nestjs/common';
import { ApiKeysModule } from '../api-keys/api-keys.module.ts';
import { ConsoleController } from './console.controller.ts';
import { ConsoleService } from './console.service.ts';
import { ConsoleSessions } from './console-sessions.ts';
import { SessionTokens } from './session-tokens.ts';

@Module({
  imports: [ApiKeysModule],
  controllers: [ConsoleController],
  providers: [ConsoleService, ConsoleSessions, SessionTokens],
  exports: [ConsoleSessions],
})
export class ConsoleModule {}
