import { Body, Controller, Param, Post, Req } from '@nestjs/common';
import { bearerToken } from '../auth/strategies.ts';
import type { TenantCaller } from '../caller.ts';
import { type AuthenticatedRequest, CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { IssuesTokens } from '../http/idempotency.interceptor.ts';
import { type ExplainBody, explainBody, explanation, type Explanation } from './explain.schemas.ts';
import { ExplainService } from './explain.service.ts';

@Controller('v1/spaces/:spaceId')
export class ExplainController {
  constructor(private readonly explanations: ExplainService) {}

  @Post('join/explain')
  @IssuesTokens() // so that no answer is stored: a repeated request is told how it is then
  @Endpoint({
    summary: 'Explain what a join would be answered',
    description:
      'It makes every check of `joinSpace`, does nothing, and says what each check found. With `token` it explains the join of the user whose JWT that is; with `userId` the join that an API key makes for the user. App users must moderate in the space. Without `token` and `userId` they ask about themselves. A key that is bound to roles must name one of them as `role`, as for the join. The explanation is of this moment, and Amazon IVS is not asked.',
    tag: 'Joining',
    access: { scope: 'tokens:vend', orScope: 'moderation:read', users: true, evenIfSuspended: true },
    answers: { 200: explanation },
    problems: ['not_found', 'banned', 'rate_limited'],
  })
  async explainJoin(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: pathId('spc', 'space') }) spaceId: string,
    @Body({ schema: explainBody }) body: ExplainBody,
    @Req() request: AuthenticatedRequest,
  ): Promise<Explanation> {
    const ownToken = caller.kind === 'user' ? bearerToken(request) : undefined;
    return await this.explanations.explain(caller, spaceId, body, ownToken);
  }
}
