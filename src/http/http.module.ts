import { Module } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { IdempotencyKeys } from './idempotency-keys.ts';
import { IdempotencyInterceptor } from './idempotency.interceptor.ts';
import { ProblemFilter } from './problem.filter.ts';
import { validationPipe } from './validation.pipe.ts';

/** Every request passes these: validation, idempotency, problem documents. */
@Module({
  providers: [
    IdempotencyKeys,
    { provide: APP_PIPE, useFactory: validationPipe },
    { provide: APP_FILTER, useClass: ProblemFilter },
    { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
  ],
})
export class HttpModule {}
