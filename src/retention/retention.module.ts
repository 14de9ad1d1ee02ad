import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.ts';
import { AuditRetention } from './audit-retention.ts';
import { Retention } from './retention.ts';

@Module({ imports: [AuditModule], providers: [AuditRetention, Retention] })
export class RetentionModule {}
