import { Module } from '@nestjs/common';
import { AuditSealer } from './audit-sealer.ts';
import { AuditController } from './audit.controller.ts';
import { AuditService } from './audit.service.ts';

@Module({ controllers: [AuditController], providers: [AuditService, AuditSealer] })
export class AuditModule {}
