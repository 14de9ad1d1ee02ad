import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { PassportModule } from '@nestjs/passport';
import { ApiKeysModule } from '../api-keys/api-keys.module.ts';
import { IssuersModule } from '../issuers/issuers.module.ts';
import { CallerGuard } from './caller.guard.ts';
import { ApiKeyStrategy, OperatorStrategy, UserStrategy } from './strategies.ts';

@Module({
  imports: [PassportModule, ApiKeysModule, IssuersModule],
  providers: [OperatorStrategy, ApiKeyStrategy, UserStrategy, { provide: APP_GUARD, useClass: CallerGuard }],
})
export class AuthModule {}
