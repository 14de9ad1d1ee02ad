import { Module } from '@nestjs/common';
import { Settings } from '../config.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { IssuerDirectory } from './issuer-directory.ts';
import { IssuersController } from './issuers.controller.ts';
import { IssuersService } from './issuers.service.ts';
import { JwksKeys } from './jwks-keys.ts';
import { UserTokens } from './user-tokens.ts';

@Module({
  controllers: [IssuersController],
  providers: [
    IssuersService,
    IssuerDirectory,
    UserTokens,
    {
      provide: JwksKeys,
      inject: [Settings, Metrics],
      useFactory: (settings: Settings, metrics: Metrics) =>
        new JwksKeys({
          allowPrivateAddresses: settings.jwksAllowPrivateAddresses,
          onFetched: (result) => metrics.jwksFetches.inc({ result }),
        }),
    },
  ],
  exports: [UserTokens],
})
export class IssuersModule {}
