import { Global, Module } from '@nestjs/common';
import { OperatorToken } from './operator-token.ts';
import { Secrets } from './secrets.ts';

@Global()
@Module({ providers: [Secrets, OperatorToken], exports: [Secrets, OperatorToken] })
export class SecretsModule {}
