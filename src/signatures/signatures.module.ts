import { Global, Module } from '@nestjs/common';
import { SignatureThreads } from './signature-threads.ts';

@Global()
@Module({ providers: [SignatureThreads], exports: [SignatureThreads] })
export class SignaturesModule {}
