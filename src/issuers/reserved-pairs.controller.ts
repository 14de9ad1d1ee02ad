import { Controller, Delete, Get, Query } from '@nestjs/common';
import type { OperatorCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { reservedPair, type ReservedPairQuery, reservedPairQuery } from './issuers.schemas.ts';
import { ReservedPairsService } from './reserved-pairs.service.ts';

const tag = 'Issuers';
const access = { operator: true } as const;

@Controller('v1/issuer-reservations')
export class ReservedPairsController {
  constructor(private readonly pairs: ReservedPairsService) {}

  @Get()
  @Endpoint({
    summary: 'Find out which tenant has a pair of issuer and audience',
    tag,
    access,
    answers: { 200: reservedPair },
    problems: ['not_found'],
  })
  async getReservedPair(
    @CurrentCaller() caller: OperatorCaller,
    @Query({ schema: reservedPairQuery }) pair: ReservedPairQuery,
  ) {
    return await this.pairs.get(caller, pair);
  }

  @Delete()
  @Endpoint({
    summary: 'Release a pair of issuer and audience',
    description:
      'Every tenant can register the pair then. If a tenant has an issuer with this pair, the issuer is deleted, and its JWTs are refused at once. The audit log of that tenant tells. Make sure who owns the issuer first.',
    tag,
    access,
    answers: { 204: null },
    problems: ['not_found'],
  })
  async releaseReservedPair(
    @CurrentCaller() caller: OperatorCaller,
    @Query({ schema: reservedPairQuery }) pair: ReservedPairQuery,
  ): Promise<void> {
    await this.pairs.release(caller, pair);
  }
}
