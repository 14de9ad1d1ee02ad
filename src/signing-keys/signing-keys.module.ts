import { Module } from '@nestjs/common';
import { IdleKeySweeper } from './idle-key-sweeper.ts';
import { SigningKeysController } from './signing-keys.controller.ts';
import { SigningKeyRemoval } from './signing-key-removal.ts';
import { TenantSigningKeysController } from './tenant-signing-keys.controller.ts';
import { SigningKeysService } from './signing-keys.service.ts';

@Module({
  controllers: [SigningKeysController, TenantSigningKeysController],
  providers: [SigningKeysService, SigningKeyRemoval, IdleKeySweeper],
})
export class SigningKeysModule {}
