import { Module } from '@nestjs/common';
import { Journal } from './journal.ts';

@Module({ providers: [Journal], exports: [Journal] })
export class JournalModule {}
