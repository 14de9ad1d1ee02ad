import { Module } from '@nestjs/common';
import { ActsModule } from '../acts/acts.module.ts';
import { SigningKeysModule } from '../signing-keys/signing-keys.module.ts';
import { SpacesModule } from '../spaces/spaces.module.ts';
import { TenantsModule } from '../tenants/tenants.module.ts';
import { ErasureWorker } from './erasure-worker.ts';
import { ErasuresController } from './erasures.controller.ts';
import { ErasuresService } from './erasures.service.ts';
import { TenantEndWorker } from './tenant-end-worker.ts';
import { TenantEndsController } from './tenant-ends.controller.ts';
import { TenantEndsService } from './tenant-ends.service.ts';

@Module({
  imports: [ActsModule, SpacesModule, SigningKeysModule, TenantsModule],
  controllers: [ErasuresController, TenantEndsController],
  providers: [ErasuresService, ErasureWorker, TenantEndsService, TenantEndWorker],
})
export class ErasureModule {}
