import { type DynamicModule, Global, Module } from '@nestjs/common';
import { Settings } from '../config.ts';
import { CredentialDatabase } from '../database/database.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { DataKeys } from './data-keys.ts';
import { Keyring } from './keyring.ts';
import { Kms } from './kms.ts';
import { KmsWatch } from './kms-watch.ts';
import { MasterKeyCheck } from './master-key-check.ts';
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
        {
          provide: Kms,
          inject: [Settings, Metrics],
          useFactory: ({ kmsEndpoint }: Settings, { kmsCalls }: Metrics) =>
            new Kms(kmsEndpoint, (operation, result, seconds) => kmsCalls.observe({ operation, result }, seconds)),
        },
        {
          provide: Secrets,
          inject: [Settings, DataKeys],
          useFactory: (settings: Settings, dataKeys: DataKeys) => new Secrets(settings, keyring, dataKeys),
        },
        {
          provide: DataKeys,
          inject: [CredentialDatabase, Kms],
          useFactory: (database: CredentialDatabase, kms: Kms) => new DataKeys(database, kms),
        },
        KmsWatch,
        MasterKeyCheck,
        OperatorToken,
        Resealing,
        SealedColumns,
      ],
      exports: [MasterKeyCheck, OperatorToken, SealedColumns, Secrets],
    };
  }
}
