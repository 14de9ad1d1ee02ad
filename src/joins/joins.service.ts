import { Injectable } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { invalid, Problem } from '../errors.ts';
import { newId, newParticipantId } from '../ids.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { mustLeaveBy } from '../request-context.ts';
import { Secrets } from '../secrets/secrets.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { type Admission, type AdmissionRequest, AdmissionService, type Made, releaseWindowMs } from './admission.ts';
import { tokenAttributes } from './attributes.ts';
import type { ChatToken, JoinAnswer, StageToken, TokenBody } from './joins.schemas.ts';
import { type TokenHolder, Mints, type MintedStageToken } from './mints.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';

/** Which halves are asked for. */
export interface Wanted {
  stage: boolean;
  chat: boolean;
}

export interface Vended {
  answer: JoinAnswer;
  /** RateLimit headers for the answer. */
  headers: Record<string, string>;
}

type Tokens = [PromiseSettledResult<MintedStageToken | null>, PromiseSettledResult<Omit<ChatToken, 'grantId'> | null>];

/** Vends tokens: who, where, as what is decided and on record before a token is asked for, and looked at again after. */
@Injectable()
export class JoinsService {
  constructor(
    private readonly admissions: AdmissionService,
    private readonly mints: Mints,
    private readonly secrets: Secrets,
    private readonly settings: Settings,
    private readonly metrics: Metrics,
  ) {}

  /** @throws Problem: every reason of `admit`, or IVS's. */
  async vend(caller: TenantCaller, spaceId: string, body: TokenBody, wanted: Wanted, action: string): Promise<Vended> {
    const kind = wanted.stage && wanted.chat ? 'join' : wanted.stage ? 'stage' : 'chat';
    try {
      const vended = await this.decideAndMint(caller, this.requestOf(caller, spaceId, body, wanted, action), body);
      this.metrics.vends.inc({ kind, outcome: 'released', reason: '' });
      return vended;
    } catch (error) {
      const problem = error instanceof Problem ? error : undefined;
      const outcome = problem && problem.status < 500 ? 'refused' : 'failed';
      this.metrics.vends.inc({ kind, outcome, reason: problem?.code ?? 'internal' });
      throw error;
    }
  }

  private async decideAndMint(caller: TenantCaller, request: AdmissionRequest, body: TokenBody): Promise<Vended> {
    const checkedAt = performance.now();
    const admission = await this.admissions.admit(caller, request);
    const tokens = await this.mintBoth(caller, admission, request, body);
    await this.release(caller, admission, request, tokens, checkedAt);
    const [stage, chat] = tokens.map((half) => (half.status === 'fulfilled' ? half.value : null)) as [
      MintedStageToken | null,
      Omit<ChatToken, 'grantId'> | null,
    ];
    const perMinute = this.settings.vendsPerUserPerMinute;
    return {
      answer: {
        space: admission.space,
        userId: request.userId,
        role: admission.role.name,
        stage: stage && toStageToken(request.stageGrantId ?? '', stage),
        chat: chat && { grantId: request.chatGrantId ?? '', ...chat },
      },
      headers: rateLimitHeaders(perMinute, admission.used, 60),
    };
  }

  /** Both halves side by side; each may fail by itself. */
  private async mintBoth(
    caller: TenantCaller,
    admission: Admission,
    request: AdmissionRequest,
    body: TokenBody,
  ): Promise<Tokens> {
    const { stage, chat } = admission;
    const holder = this.holder(caller, admission, body);
    return await Promise.allSettled([
      holder.then((found) => stage && this.mints.stageToken(admission, stage, request.participantId, found)),
      holder.then((found) => chat && this.mints.chatToken(admission, chat, found)),
    ]);
  }

  private async holder(caller: TenantCaller, admission: Admission, body: TokenBody): Promise<TokenHolder> {
    const claims = caller.kind === 'user' ? caller.claims : {};
    return {
      ivsUserId: admission.ivsUserId,
      attributes: tokenAttributes(admission.role.attributes, claims, body.attributes ?? {}, caller.kind === 'apiKey'),
    };
  }

  /**
   * The last look before tokens leave. What IVS made is noted now, and may be stopped by a ban that came in between. A
   * stage token signed here was on record in full from the start, and only has to leave in time: whoever bans its holder
   * sees it, and waits that long with the answer.
   */
  private async release(
    caller: TenantCaller,
    admission: Admission,
    request: AdmissionRequest,
    [stage, chat]: Tokens,
    admittedAt: number,
  ): Promise<void> {
    let checkedAt = admittedAt;
    const failure = [stage, chat].find((half) => half.status === 'rejected');
    const made = failure ? [] : madeOf(request, admission, [stage, chat]);
    const failed = failure ? [request.stageGrantId, request.chatGrantId].filter((id) => id !== null) : [];
    if (made.length > 0 || failed.length > 0) {
      checkedAt = performance.now();
      await this.admissions.settle(caller, request, made, failed);
    }
    if (failure) throw failure.reason instanceof IvsFailure ? failure.reason.toProblem() : failure.reason;
    mustLeaveBy(checkedAt + releaseWindowMs);
  }

  private requestOf(
    caller: TenantCaller,
    spaceId: string,
    body: TokenBody,
    wanted: Wanted,
    action: string,
  ): AdmissionRequest {
    const userId = userOf(caller, body);
    return {
      spaceId,
      userId,
      pseudonym: this.secrets.pseudonym(caller.tenantId, userId),
      roleAsked: body.role,
      roleClaimed: caller.kind === 'user' ? caller.role : undefined,
      stageGrantId: wanted.stage ? newId('grt') : null,
      chatGrantId: wanted.chat ? newId('grt') : null,
      participantId: newParticipantId(),
      action,
    };
  }
}

/** What is still to be noted of tokens that were made. */
function madeOf(request: AdmissionRequest, admission: Admission, [stage, chat]: Tokens): Made[] {
  const made: Made[] = [];
  const asRecorded = admission.signingKey?.state === 'active';
  if (stage.status === 'fulfilled' && stage.value && !(asRecorded && stage.value.mint === 'key-pair')) {
    const { mint, participantId, signingKeyId, expiresAt } = stage.value;
    made.push({
      id: request.stageGrantId ?? '',
      mint,
      participantId,
      ...(signingKeyId !== undefined && { signingKeyId }),
      expiresAt,
      sessionExpiresAt: expiresAt,
    });
  }
  if (chat.status === 'fulfilled' && chat.value) {
    const { connectBefore, sessionExpiresAt } = chat.value;
    made.push({ id: request.chatGrantId ?? '', expiresAt: connectBefore, sessionExpiresAt });
  }
  return made;
}

/** App users act as themselves; API keys say for whom. */
function userOf(caller: TenantCaller, body: TokenBody): string {
  if (caller.kind === 'apiKey') {
    if (body.userId === undefined) throw invalid('userId', 'is required of API keys: whom is the token for?');
    return body.userId;
  }
  const given = (['userId', 'role'] as const).find((name) => body[name] !== undefined);
  if (given) throw new Problem('forbidden', `App users join as themselves: leave out ${given}.`);
  return caller.id;
}

function toStageToken(grantId: string, { signingKeyId: _, ...token }: MintedStageToken): StageToken {
  return { grantId, ...token };
}
