import { Injectable } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { invalid, Problem, rateLimitFields } from '../errors.ts';
import { ExpectedParticipants } from '../grants/expected-participants.ts';
import { newId, newParticipantId } from '../ids.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { RefusalCounts } from '../refusals/refusal-counts.ts';
import { currentRequest, mustLeaveBy } from '../request-context.ts';
import { Secrets } from '../secrets/secrets.ts';
import { Metrics } from '../telemetry/metrics.ts';
import type { Admission } from './admission-answers.ts';
import type { AdmissionRequest } from './admission-request.ts';
import { AdmissionService } from './admission.ts';
import { noClaims, tokenAttributes } from './attributes.ts';
import type { ChatToken, JoinAnswer, StageToken, TokenBody } from './joins.schemas.ts';
import { type TokenHolder, Mints, type MintedStageToken } from './mints.ts';
import { type MintedToken, releaseWindowMs, Settlements } from './settlements.ts';
import { vendLimit } from './vend-limit.ts';

/** Which tokens the caller requests. */
export interface RequestedTokens {
  stage: boolean;
  chat: boolean;
}

/** The tokens for the answer. */
export interface VendResult {
  answer: JoinAnswer;
  /** RateLimit headers for the answer. */
  headers: Record<string, string>;
}

/** What came of making the stage token and the chat token; null for a token that was not requested. */
type MintResults = [
  PromiseSettledResult<MintedStageToken | null>,
  PromiseSettledResult<Omit<ChatToken, 'grantId'> | null>,
];

/**
 * Vends tokens. The decision is recorded before IVS is asked for a token, and checked once more before the token leaves.
 */
@Injectable()
export class JoinsService {
  constructor(
    private readonly admissions: AdmissionService,
    private readonly settlements: Settlements,
    private readonly mints: Mints,
    private readonly secrets: Secrets,
    private readonly settings: Settings,
    private readonly metrics: Metrics,
    private readonly expected: ExpectedParticipants,
    private readonly refusals: RefusalCounts,
  ) {}

  /**
   * Vends the requested tokens.
   * @param action name of the vend in the audit log.
   * @throws Problem with the reason of `admit` or `settle`, or for a failure of IVS.
   */
  async vend(
    caller: TenantCaller,
    spaceId: string,
    body: TokenBody,
    requested: RequestedTokens,
    action: string,
  ): Promise<VendResult> {
    const kind = requested.stage && requested.chat ? 'join' : requested.stage ? 'stage' : 'chat';
    try {
      const vended = await this.decideAndMint(
        caller,
        this.admissionRequest(caller, spaceId, body, requested, action),
        body,
      );
      this.metrics.vends.inc({ kind, outcome: 'released', reason: '' });
      return vended;
    } catch (error) {
      const problem = error instanceof Problem ? error : undefined;
      const outcome = problem && problem.status < 500 ? 'refused' : 'failed';
      this.metrics.vends.inc({ kind, outcome, reason: problem?.code ?? 'internal' });
      if (problem && outcome === 'refused') this.refusals.count(caller.tenantId, problem.code);
      throw error;
    }
  }

  private async decideAndMint(caller: TenantCaller, request: AdmissionRequest, body: TokenBody): Promise<VendResult> {
    const { admission, checkedAt } = await this.admissions.admit(caller, request);
    const results = await this.mintBoth(caller, admission, body);
    await this.release(caller, admission, request, results, checkedAt);
    const [stage, chat] = results.map((half) => (half.status === 'fulfilled' ? half.value : null)) as [
      MintedStageToken | null,
      Omit<ChatToken, 'grantId'> | null,
    ];
    if (stage) this.expected.expect({ tenantId: caller.tenantId, spaceId: request.spaceId, until: stage.expiresAt });
    const perMinute = this.settings.vendsPerUserPerMinute;
    return {
      answer: {
        space: admission.space,
        userId: request.userId,
        role: admission.role.name,
        stage: stage && toStageToken(request.stageGrantId ?? '', stage),
        chat: chat && { grantId: request.chatGrantId ?? '', ...chat },
      },
      headers: rateLimitFields(vendLimit(perMinute), Math.max(0, perMinute - admission.used), 60),
    };
  }

  /** Makes both tokens at the same time. */
  private async mintBoth(caller: TenantCaller, admission: Admission, body: TokenBody): Promise<MintResults> {
    const { stage, chat } = admission;
    const holder = this.holderOf(caller, admission, body);
    return await Promise.allSettled([
      holder.then((found) => stage && this.mints.stageToken(admission, stage, admission.participantId, found)),
      holder.then((found) => chat && this.mints.chatToken(admission, chat, found)),
    ]);
  }

  private async holderOf(caller: TenantCaller, admission: Admission, body: TokenBody): Promise<TokenHolder> {
    return {
      ivsUserId: admission.ivsUserId,
      attributes: tokenAttributes(
        admission.role.attributes,
        caller.kind === 'user' ? caller : noClaims,
        body.attributes ?? {},
        caller.kind !== 'user' ? 'any' : admission.role.clientAttributes,
      ),
    };
  }

  /**
   * Checks the tokens a last time before they leave. `settle` records a token that IVS made, and refuses it if the user
   * was banned since `admit`. `admit` has recorded all of a token that Stagedoor signs with an active key: a ban sees its
   * grant, and the answer to the ban waits until the token cannot leave any more. Such a token has only to leave in time.
   *
   * @param admittedAt time of `admit`, in milliseconds of `performance.now()`.
   */
  private async release(
    caller: TenantCaller,
    admission: Admission,
    request: AdmissionRequest,
    [stage, chat]: MintResults,
    admittedAt: number,
  ): Promise<void> {
    let checkedAt = admittedAt;
    const failure = [stage, chat].find((half) => half.status === 'rejected');
    const made = failure ? [] : tokensToSettle(request, admission, [stage, chat]);
    const failed = failure ? [request.stageGrantId, request.chatGrantId].filter((id) => id !== null) : [];
    if (made.length > 0 || failed.length > 0) {
      checkedAt = await this.settlements.settle(caller, request, made, failed);
    }
    if (failure) throw failure.reason instanceof IvsFailure ? failure.reason.toProblem() : failure.reason;
    mustLeaveBy(checkedAt + releaseWindowMs);
  }

  private admissionRequest(
    caller: TenantCaller,
    spaceId: string,
    body: TokenBody,
    requested: RequestedTokens,
    action: string,
  ): AdmissionRequest {
    const userId = userIdOf(caller, body);
    return {
      spaceId,
      userId,
      pseudonym: this.secrets.pseudonym(caller.tenantId, userId),
      roleAsked: body.role,
      rolesClaimed: caller.kind === 'user' ? caller.roles : [],
      stageGrantId: requested.stage ? newId('grt') : null,
      chatGrantId: requested.chat ? newId('grt') : null,
      participantId: newParticipantId(),
      stayingId: (requested.stage && body.participantId) || null,
      repeats: currentRequest()?.repeats ?? [],
      action,
    };
  }
}

/** The tokens that `settle` has to record: all but a stage token that `admit` has recorded already. */
function tokensToSettle(request: AdmissionRequest, admission: Admission, [stage, chat]: MintResults): MintedToken[] {
  const minted: MintedToken[] = [];
  const isSignedAsRecorded = admission.signingKey?.state === 'active';
  if (stage.status === 'fulfilled' && stage.value && !(isSignedAsRecorded && stage.value.mint === 'key-pair')) {
    const { mint, participantId, signingKeyId, expiresAt } = stage.value;
    minted.push({
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
    minted.push({ id: request.chatGrantId ?? '', expiresAt: connectBefore, sessionExpiresAt });
  }
  return minted;
}

/** The user who gets the tokens. An app user gets them for themselves; an API key names the user. */
function userIdOf(caller: TenantCaller, body: TokenBody): string {
  if (caller.kind !== 'user') {
    if (body.userId === undefined) throw invalid('userId', 'is required: an API key names the user who gets the token');
    return body.userId;
  }
  const sent = (['userId', 'role'] as const).find((name) => body[name] !== undefined);
  if (sent)
    throw new Problem(
      'forbidden',
      `An app user gets tokens only for themselves and with their own role. Leave out ${sent}.`,
    );
  return caller.id;
}

function toStageToken(grantId: string, { signingKeyId: _, ...token }: MintedStageToken): StageToken {
  return { grantId, ...token };
}
