import { Controller, Get } from '@nestjs/common';
import type { OperatorCaller, TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { callQuotas } from './call-quotas.schemas.ts';
import { CallQuotasService } from './call-quotas.service.ts';

@Controller('v1/quotas')
export class CallQuotasController {
  constructor(private readonly quotas: CallQuotasService) {}

  @Get()
  @Endpoint({
    summary: 'Show the rates of Amazon IVS',
    description:
      'Amazon IVS allows so many calls a second in an AWS account and Region, and tenants may share one. For each call: the rate, what is left now, how long one more call waits, and who made calls in the last minute, about. A tenant sees its own account; the operator sees all that were used.',
    tag: 'Quotas',
    access: { scope: 'moderation:read', orOperator: true },
    answers: { 200: callQuotas },
  })
  async listQuotas(@CurrentCaller() caller: TenantCaller | OperatorCaller) {
    return await this.quotas.list(caller);
  }
}
