import { Module } from '@nestjs/common';
import { ApiKeysModule } from '../api-keys/api-keys.module.ts';
import { ChatOrigins } from './chat-origins.ts';
import { ConsoleController } from './console.controller.ts';
import { ConsoleIssuersController } from './console-issuers.controller.ts';
import { ConsoleIssuersService } from './console-issuers.service.ts';
import { ConsoleService } from './console.service.ts';
import { ConsoleSessions } from './console-sessions.ts';
import { ConsoleUsersController } from './console-users.controller.ts';
import { ConsoleUsersService } from './console-users.service.ts';
import { OidcClients } from './oidc-clients.ts';
import { SessionTokens } from './session-tokens.ts';
import { SignInAttempts } from './sign-in-attempts.ts';
import { SignInController } from './sign-in.controller.ts';
import { SignInService } from './sign-in.service.ts';
import { SealedColumns } from '../secrets/sealed-columns.ts';
import { sealedSecrets } from './sealed-secrets.ts';

@Module({
  imports: [ApiKeysModule],
  controllers: [ConsoleController, ConsoleIssuersController, ConsoleUsersController, SignInController],
  providers: [
    ChatOrigins,
    ConsoleService,
    ConsoleIssuersService,
    ConsoleUsersService,
    OidcClients,
    SignInAttempts,
    SignInService,
    ConsoleSessions,
    SessionTokens,
  ],
  exports: [ConsoleSessions],
})
export class ConsoleModule {
  constructor(columns: SealedColumns) {
    columns.add(sealedSecrets);
  }
}
