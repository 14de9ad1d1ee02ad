import { Module } from '@nestjs/common';
import { IdleKeySweeper } from './idle-key-sweeper.ts';
import { KeyComparison } from './key-comparison.ts';
import { SigningKeysController } from './signing-keys.controller.ts';
import { SigningKeyRemoval } from './signing-key-removal.ts';
import { TenantSigningKeysController } from './tenant-signing-keys.controller.ts';
import { SigningKeysService } from './signing-keys.service.ts';
import { SealedColumns } from '../secrets/sealed-columns.ts';
import { sealedKeys } from './sealed-keys.ts';

@Module({
  controllers: [SigningKeysController, TenantSigningKeysController],
  providers: [SigningKeysService, SigningKeyRemoval, IdleKeySweeper, KeyComparison],
  exports: [SigningKeyRemoval],
})
export class SigningKeysModule {
  constructor(columns: SealedColumns) {
    columns.add(sealedKeys);
  }
}
