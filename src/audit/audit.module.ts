import { Module } from '@nestjs/common';
import { AuditCheckpoints } from './audit-checkpoints.ts';
import { AuditSealer } from './audit-sealer.ts';
import { AuditController } from './audit.controller.ts';
import { AuditService } from './audit.service.ts';

@Module({
  controllers: [AuditController],
  providers: [AuditService, AuditSealer, AuditCheckpoints],
  exports: [AuditCheckpoints],
})
export class AuditModule {}
