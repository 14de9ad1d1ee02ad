import { Module } from '@nestjs/common';
import { ApiKeysModule } from '../api-keys/api-keys.module.ts';
import { ConsoleController } from './console.controller.ts';
import { ConsoleIssuersController } from './console-issuers.controller.ts';
import { ConsoleIssuersService } from './console-issuers.service.ts';
import { ConsoleService } from './console.service.ts';
import { ConsoleSessions } from './console-sessions.ts';
import { ConsoleUsersController } from './console-users.controller.ts';
import { ConsoleUsersService } from './console-users.service.ts';
import { SessionTokens } from './session-tokens.ts';

@Module({
  imports: [ApiKeysModule],
  controllers: [ConsoleController, ConsoleIssuersController, ConsoleUsersController],
  providers: [ConsoleService, ConsoleIssuersService, ConsoleUsersService, ConsoleSessions, SessionTokens],
  exports: [ConsoleSessions],
})
export class ConsoleModule {}
