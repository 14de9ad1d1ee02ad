import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { type ListQuery, listQuery } from '../http/paging.ts';
import { noBody } from '../http/text.ts';
import { killedSigningKey, signingKey, signingKeyPage } from './signing-keys.schemas.ts';
import { SigningKeysService } from './signing-keys.service.ts';

const tag = 'Signing keys';
const access = { scope: 'keys:write' } as const;
/** To delete a key only takes something away. */
const taking = { ...access, evenIfSuspended: true } as const;

@Controller('v1/signing-keys')
export class SigningKeysController {
  constructor(private readonly signingKeys: SigningKeysService) {}

  @Post()
  @Endpoint({
    summary: 'Create a signing key',
    description:
      'The service makes a P-384 key pair, imports the public key to IVS, and stores the private key encrypted. From then on it signs the stage tokens of the tenant without a call to IVS. IVS allows three public keys in an account and Region.',
    tag,
    access,
    answers: { 201: signingKey },
    problems: ['rate_limited', 'conflict', 'quota_exceeded', 'ivs_rejected', 'ivs_unavailable'],
  })
  async create(@CurrentCaller() caller: TenantCaller, @Body({ schema: noBody }) _body: object) {
    return await this.signingKeys.create(caller);
  }

  @Get()
  @Endpoint({ summary: 'List signing keys', tag, access, answers: { 200: signingKeyPage } })
  async list(@CurrentCaller() caller: TenantCaller, @Query({ schema: listQuery }) query: ListQuery) {
    return await this.signingKeys.list(caller, query);
  }

  @Post('rotate')
  @Endpoint({
    summary: 'Sign with a new key',
    description:
      'The old key signs no more tokens. Its tokens stay valid until they expire. Then the key is removed from IVS.',
    tag,
    access,
    answers: { 201: signingKey },
    problems: ['rate_limited', 'quota_exceeded', 'ivs_rejected', 'ivs_unavailable'],
  })
  async rotate(@CurrentCaller() caller: TenantCaller, @Body({ schema: noBody }) _body: object) {
    return await this.signingKeys.rotate(caller);
  }

  @Post(':signingKeyId/kill')
  @Endpoint({
    summary: 'Delete a signing key at once, and learn how many tokens that voids',
    description:
      'For a key that may have leaked. Nobody can join with its tokens any more. Participants who are connected stay connected. If it was the active key, IVS makes the stage tokens of the tenant until there is another one.',
    tag,
    access: taking,
    answers: { 200: killedSigningKey },
    problems: ['rate_limited', 'not_found', 'ivs_rejected', 'ivs_unavailable'],
  })
  async kill(
    @CurrentCaller() caller: TenantCaller,
    @Param('signingKeyId', { schema: pathId('sgk', 'signing key') }) keyId: string,
    @Body({ schema: noBody }) _body: object,
  ) {
    return await this.signingKeys.kill(caller, keyId);
  }

  @Delete(':signingKeyId')
  @Endpoint({
    summary: 'Delete a signing key at once',
    description: 'Nobody can join with its tokens any more. Participants who are connected stay connected.',
    tag,
    access: taking,
    answers: { 204: null },
    problems: ['rate_limited', 'not_found', 'ivs_rejected', 'ivs_unavailable'],
  })
  async remove(
    @CurrentCaller() caller: TenantCaller,
    @Param('signingKeyId', { schema: pathId('sgk', 'signing key') }) keyId: string,
  ): Promise<void> {
    await this.signingKeys.remove(caller, keyId);
  }
}
