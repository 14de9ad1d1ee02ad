import { Injectable } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import { Authority } from '../auth/authority.ts';
import { isInBounds, type TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { ReadDatabase, type Tx } from '../database/database.ts';
import { valueIn } from '../database/sql-call.ts';
import { invalid, notFound, Problem } from '../errors.ts';
import { tokenChecks } from '../issuers/token-check.ts';
import { TokenReader, type TokenReading } from '../issuers/token-reader.ts';
import { limits } from '../limits.ts';
import { Secrets } from '../secrets/secrets.ts';
import { findSpace } from '../spaces/spaces.service.ts';
import { type AdmissionFacts, type Decision, explainedAdmission } from './admission-facts.ts';
import { decidedOn } from './admission-request.ts';
import { type ClaimSource, noClaims, tokenAttributes } from './attributes.ts';
import { roleOf } from './explain-role.ts';
import { admissionSteps, skipped } from './explain-steps.ts';
import { admissionChecks, type ExplainBody, type Explanation, type Step } from './explain.schemas.ts';
import { refusalProblem } from './refusal-problem.ts';

/** Says what a join would be answered now, and why. It decides by the function that decides joins (`decide_admission`). */
@Injectable()
export class ExplainService {
  constructor(
    private readonly reads: ReadDatabase,
    private readonly authority: Authority,
    private readonly tokens: TokenReader,
    private readonly secrets: Secrets,
    private readonly settings: Settings,
  ) {}

  /**
   * Explains a join. Nothing is vended, and nothing is recorded but an audit entry.
   * @param ownToken the JWT of an app user who calls; undefined: no app user calls.
   * @throws Problem `not_found`, `forbidden` or `banned` if the caller may not ask here; `invalid_request` if the request does
   * not say whose join is meant.
   */
  async explain(
    caller: TenantCaller,
    spaceId: string,
    body: ExplainBody,
    ownToken: string | undefined,
  ): Promise<Explanation> {
    const token = tokenToRead(caller, body, ownToken);
    if (token !== undefined) {
      // Reading a JWT may fetch keys. Who may not ask here causes no such work.
      await this.reads.inTenantOf(caller, (tx) => this.assertMayAsk(tx, caller, spaceId));
    }
    for (let isRepeated = false; ; isRepeated = true) {
      const reading = token === undefined ? undefined : await this.tokens.read(caller, token);
      const explained = await this.reads.inTenantOf(caller, async (tx) => {
        await this.assertMayAsk(tx, caller, spaceId);
        const explanation = reading?.refused
          ? refusedToken(reading, reading.refused)
          : await this.explainAdmission(tx, caller, spaceId, body, reading);
        // The issuer was changed a moment ago. A join reads it anew, and so does this.
        if (!isRepeated && explanation.steps.some(isRefusedCredential)) return undefined;
        await this.record(tx, caller, spaceId, explanation, reading);
        return explanation;
      });
      if (explained) return explained;
    }
  }

  /**
   * An API key may ask for every user of the tenant, in the spaces that it is bound to. So may an app user who moderates in the
   * space: they may read its bans and its ledger, too.
   */
  private async assertMayAsk(tx: Tx, caller: TenantCaller, spaceId: string): Promise<void> {
    await findSpace(tx, caller.tenantId, spaceId);
    await this.authority.assertModerator(tx, caller, spaceId);
  }

  private async explainAdmission(
    tx: Tx,
    caller: TenantCaller,
    spaceId: string,
    body: ExplainBody,
    reading: TokenReading | undefined,
  ): Promise<Explanation> {
    const read = reading?.read;
    const joiner = read?.caller ?? caller;
    const userId = read?.caller.id ?? body.userId;
    if (userId === undefined) throw invalid('userId', 'is required, or token: they say whose join is meant');
    const requested = { stage: body.stage, chat: body.chat };
    const vendsPerMinute = this.settings.vendsPerUserPerMinute;
    const asked = {
      ...decidedOn(joiner, {
        spaceId,
        userId,
        pseudonym: this.secrets.pseudonym(caller.tenantId, userId),
        roleAsked: body.role,
        rolesClaimed: read?.caller.roles ?? [],
      }),
      ...requested,
      vendsPerMinute,
      limits,
      staying: body.participantId ?? null,
    };
    const found = await valueIn(tx, 'explain_admission', asked, explainedAdmission);
    if (!found) throw notFound('space');
    const { decision, facts } = found;
    const given = attributesOf(decision, facts, body, read?.caller);
    const question = { spaceId, asked: body.role, read, facts, decision, requested, vendsPerMinute };
    const problem = 'refused' in decision ? refusalProblem(decision, vendsPerMinute) : given.problem;
    const role = roleOf(question);
    return {
      decision: problem?.code ?? 'admitted',
      steps: [
        ...(reading?.passed ?? []).map((step): Step => ({ ...step, outcome: 'passed' })),
        ...admissionSteps({
          ...question,
          seesTenantBans: caller.kind !== 'user' && isInBounds(caller, null),
          attributesProblem: given.problem,
        }),
      ],
      userId,
      ...(role && { role }),
      ...(!problem && !('refused' in decision) && whatIsGiven(decision, facts, given.attributes)),
    };
  }

  private async record(
    tx: Tx,
    caller: TenantCaller,
    spaceId: string,
    { decision, userId, role }: Explanation,
    reading: TokenReading | undefined,
  ): Promise<void> {
    await audit(tx, caller, {
      action: 'join.explain',
      tenantId: caller.tenantId,
      spaceId,
      ...(userId !== undefined && { userId }),
      details: {
        decision,
        byToken: reading !== undefined,
        ...(role && { role: role.name }),
        ...(reading?.read && { issuer: reading.read.issuer.id }),
      },
    });
  }
}

/**
 * The JWT whose join is meant; undefined: an API key would join for the user. An app user who names nobody means themselves.
 * @throws Problem `forbidden` if an app user names a role.
 */
function tokenToRead(caller: TenantCaller, body: ExplainBody, ownToken: string | undefined): string | undefined {
  if (body.token !== undefined || caller.kind !== 'user') return body.token;
  if (body.role !== undefined) throw new Problem('forbidden', 'Only an API key may name a role. Leave out role.');
  return body.userId === undefined ? ownToken : undefined;
}

/** The explanation of a join whose JWT is refused: the join comes no further. */
function refusedToken({ passed }: TokenReading, refused: NonNullable<TokenReading['refused']>): Explanation {
  const { check, because, problem } = refused;
  const later = tokenChecks.slice(tokenChecks.indexOf(check) + 1);
  return {
    decision: problem.code,
    steps: [
      ...passed.map((step): Step => ({ ...step, outcome: 'passed' })),
      { check, outcome: 'refused', because },
      ...[...later, ...admissionChecks].map((later) => skipped(later)),
    ],
  };
}

function isRefusedCredential({ check, outcome }: Step): boolean {
  return check === 'credential' && outcome === 'refused';
}

/** The attributes that the tokens would have, or why they cannot have them. A join looks at them after all other checks. */
function attributesOf(
  decision: Decision,
  { role }: AdmissionFacts,
  body: ExplainBody,
  source: ClaimSource | undefined,
): { attributes: Record<string, string>; problem?: Problem } {
  if ('refused' in decision || !role) return { attributes: {} };
  const allowed = source === undefined ? 'any' : role.clientAttributes;
  try {
    return { attributes: tokenAttributes(role.attributes, source ?? noClaims, body.attributes ?? {}, allowed) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { attributes: {}, problem: error };
  }
}

function whatIsGiven(
  { stage, chat }: Exclude<Decision, { refused: unknown }>,
  { role, mint }: AdmissionFacts,
  attributes: Record<string, string>,
): Pick<Explanation, 'stage' | 'chat' | 'mint'> {
  return {
    ...(stage &&
      role?.ttlSeconds !== null &&
      role?.ttlSeconds !== undefined && {
        stage: { capabilities: role.stageCapabilities, ttlSeconds: role.ttlSeconds, attributes },
        mint,
      }),
    ...(chat &&
      role?.sessionMinutes !== null &&
      role?.sessionMinutes !== undefined && {
        chat: { capabilities: role.chatCapabilities, sessionMinutes: role.sessionMinutes, attributes },
      }),
  };
}
