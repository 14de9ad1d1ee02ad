import { Module } from '@nestjs/common';
import { Settings } from '../config.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { CredentialDatabase } from '../database/database.ts';
import { Secrets } from '../secrets/secrets.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { Candidates } from './candidates.ts';
import { IssuerDirectory } from './issuer-directory.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { IssuersController } from './issuers.controller.ts';
import { IssuersService } from './issuers.service.ts';
import { JwksKeys } from './jwks-keys.ts';
import { TokenReader } from './token-reader.ts';
import { UserTokens } from './user-tokens.ts';
import { SealedColumns } from '../secrets/sealed-columns.ts';
import { sealedSecrets } from './sealed-secrets.ts';

@Module({
  controllers: [IssuersController],
  providers: [
    IssuersService,
    Candidates,
    IssuerKeys,
    UserTokens,
    TokenReader,
    {
      provide: IssuerDirectory,
      inject: [CredentialDatabase, Secrets, Metrics],
      useFactory: (database: CredentialDatabase, secrets: Secrets, metrics: Metrics) =>
        new IssuerDirectory(database, secrets, (keys) => metrics.issuerKeysImported.inc(keys)),
    },
    {
      provide: JwksKeys,
      inject: [Settings, Metrics, IssuerKeys, DatabaseClock],
      useFactory: (settings: Settings, metrics: Metrics, keys: IssuerKeys, clock: DatabaseClock) =>
        new JwksKeys({
          allowPrivateAddresses: settings.jwksAllowPrivateAddresses,
          clock,
          onFetched: (result) => metrics.jwksFetches.inc({ result }),
          onFound: (tenantId, uri, found) => void keys.note(tenantId, uri, found),
        }),
    },
  ],
  exports: [UserTokens, TokenReader, IssuerDirectory],
})
export class IssuersModule {
  constructor(columns: SealedColumns) {
    columns.add(sealedSecrets);
  }
}
