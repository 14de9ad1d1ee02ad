import { Controller, Delete, Get, Param, Query } from '@nestjs/common';
import type { OperatorCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { type ListQuery, listQuery } from '../http/paging.ts';
import { signingKeyPage } from './signing-keys.schemas.ts';
import { SigningKeysService } from './signing-keys.service.ts';

const tag = 'Signing keys';
const access = { operator: true } as const;
const tenantIdSchema = pathId('ten', 'tenant');

/** What the operator does with the signing keys of tenants, which share the few places that IVS has. */
@Controller('v1/tenants/:tenantId/signing-keys')
export class TenantSigningKeysController {
  constructor(private readonly signingKeys: SigningKeysService) {}

  @Get()
  @Endpoint({
    summary: 'List the signing keys of a tenant',
    tag,
    access,
    answers: { 200: signingKeyPage },
    problems: ['not_found'],
  })
  async list(
    @CurrentCaller() caller: OperatorCaller,
    @Param('tenantId', { schema: tenantIdSchema }) tenantId: string,
    @Query({ schema: listQuery }) query: ListQuery,
  ) {
    return await this.signingKeys.listOf(caller, tenantId, query);
  }

  @Delete(':signingKeyId')
  @Endpoint({
    summary: 'Take a signing key back from a tenant',
    description:
      'IVS allows three public keys in an account and Region, and tenants share them. The key is deleted at once: nobody can join with its tokens any more. If it was the active one, IVS makes the stage tokens of the tenant from now on. The audit log of the tenant tells.',
    tag,
    access,
    answers: { 204: null },
    problems: ['rate_limited', 'not_found', 'ivs_rejected', 'ivs_unavailable'],
  })
  async remove(
    @CurrentCaller() caller: OperatorCaller,
    @Param('tenantId', { schema: tenantIdSchema }) tenantId: string,
    @Param('signingKeyId', { schema: pathId('sgk', 'signing key') }) keyId: string,
  ): Promise<void> {
    await this.signingKeys.removeOf(caller, tenantId, keyId);
  }
}
