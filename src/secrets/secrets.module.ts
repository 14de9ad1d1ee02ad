import { type DynamicModule, Global, Module } from '@nestjs/common';
import { Settings } from '../config.ts';
import { Keyring } from './keyring.ts';
import { OperatorToken } from './operator-token.ts';
import { Resealing } from './resealing.ts';
import { SealedColumns } from './sealed-columns.ts';
import { Secrets } from './secrets.ts';

@Global()
@Module({})
export class SecretsModule {
  static with(keyring: Keyring): DynamicModule {
    return {
      module: SecretsModule,
      providers: [
        { provide: Keyring, useValue: keyring },
        { provide: Secrets, useFactory: (settings: Settings) => new Secrets(settings, keyring), inject: [Settings] },
        OperatorToken,
        Resealing,
        SealedColumns,
      ],
      exports: [OperatorToken, SealedColumns, Secrets],
    };
  }
}
