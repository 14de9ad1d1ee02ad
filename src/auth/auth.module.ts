import { Global, Module } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { PassportModule } from '@nestjs/passport';
import { ApiKeysModule } from '../api-keys/api-keys.module.ts';
import { ConsoleModule } from '../console/console.module.ts';
import { ReplayAuthority } from '../http/replay-authority.ts';
import { IssuersModule } from '../issuers/issuers.module.ts';
import { Authority } from './authority.ts';
import { CallerGuard } from './caller.guard.ts';
import { RenewedCallerInterceptor } from './renewed-caller.interceptor.ts';
import { IngestSecret } from './ingest-secret.ts';
import { ApiKeyStrategy, OperatorStrategy, SessionStrategy, UserStrategy } from './strategies.ts';

@Global()
@Module({
  imports: [PassportModule, ApiKeysModule, IssuersModule, ConsoleModule],
  providers: [
    Authority,
    { provide: ReplayAuthority, useExisting: Authority },
    IngestSecret,
    OperatorStrategy,
    ApiKeyStrategy,
    UserStrategy,
    SessionStrategy,
    { provide: APP_GUARD, useClass: CallerGuard },
    { provide: APP_INTERCEPTOR, useClass: RenewedCallerInterceptor },
  ],
  exports: [Authority, ReplayAuthority],
})
export class AuthModule {}
