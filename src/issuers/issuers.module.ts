import { Module } from '@nestjs/common';
import { Settings } from '../config.ts';
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
      inject: [Settings],
      useFactory: (settings: Settings) => new JwksKeys({ allowPrivateAddresses: settings.jwksAllowPrivateAddresses }),
    },
  ],
  exports: [UserTokens],
})
export class IssuersModule {}
