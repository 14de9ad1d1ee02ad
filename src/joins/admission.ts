import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { callerRef, credentialId, type TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { Database } from '../database/database.ts';
import { invalid, notFound, Problem } from '../errors.ts';
import { newId } from '../ids.ts';
import { limits } from '../limits.ts';
import { currentRequest } from '../request-context.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';

/** A request for tokens, as `admit` takes it. */
export interface AdmissionRequest {
  spaceId: string;
  userId: string;
  /** The name that IVS sees instead of the user id, if the tenant wants that. */
  pseudonym: string;
  /** The role that an API key names for the user. */
  roleAsked: string | undefined;
  /** The role that the user's JWT claims. */
  roleClaimed: string | undefined;
  /** Ids of the grants to record; null for a half that nobody asks for. */
  stageGrantId: string | null;
  chatGrantId: string | null;
  /** Participant id of a stage token that Stagedoor signs. */
  participantId: string;
  /** Name of the vend in the audit log. */
  action: string;
}

/** Where a stage is, as far as a vend needs to know (`spaces/stage-endpoints.ts`). */
const stage = z.object({
  arn: z.string(),
  endpoints: z.object({ events: z.string(), whip: z.string() }),
  /** When IVS told the endpoints: ISO 8601. */
  endpointsAt: z.string(),
  capabilities: z.array(z.enum(['PUBLISH', 'SUBSCRIBE'])),
  /** Life of the token, in seconds. */
  ttlSeconds: z.int(),
});

const chat = z.object({
  arn: z.string(),
  capabilities: z.array(z.enum(['SEND_MESSAGE', 'DELETE_MESSAGE', 'DISCONNECT_USER'])),
  /** Length of the session, in minutes. */
  sessionMinutes: z.int(),
});

const signingKey = z.object({
  id: z.string(),
  arn: z.string(),
  state: z.enum(['active', 'retiring']),
  /** The sealed private key, in base64. */
  privateKey: z.string(),
});

/** The answer of `admission_answer`: a decision to let somebody in. Its grants are on record. */
export const admission = z.object({
  tenant: z.object({
    id: z.string(),
    region: z.string(),
    awsRoleArn: z.string().nullable(),
    awsExternalId: z.string().nullable(),
  }),
  /** The name IVS knows the user by. */
  ivsUserId: z.string(),
  space: z.object({ id: z.string(), name: z.string() }),
  role: z.object({ name: z.string(), attributes: z.record(z.string(), z.string()) }),
  /** ISO 8601, by the database's clock. */
  issuedAt: z.string(),
  /** Vends of this kind to this user in the last minute, this one included. */
  used: z.int(),
  /** What is needed to make the stage token; null for a vend without one. */
  stage: stage.nullable(),
  /** What is needed to ask IVS for the chat token; null for a vend without one. */
  chat: chat.nullable(),
  /** The key pair that may sign the stage token; null if the tenant has none. */
  signingKey: signingKey.nullable(),
});
export type Admission = z.output<typeof admission>;

/** The answer of `admit` and `settle` when no token may leave. The codes stand in the order of the checks. */
const refusal = z.discriminatedUnion('refused', [
  z.object({ refused: z.literal('credential') }),
  z.object({ refused: z.literal('tenant_suspended') }),
  z.object({ refused: z.literal('space_unknown') }),
  z.object({ refused: z.literal('space_closed') }),
  z.object({ refused: z.literal('banned'), until: z.coerce.date().nullable(), reason: z.string().nullable() }),
  z.object({ refused: z.literal('role_none') }),
  z.object({ refused: z.literal('role_unknown') }),
  z.object({ refused: z.literal('space_frozen') }),
  z.object({
    refused: z.literal('nothing_to_give'),
    role: z.string(),
    space: z.object({ stage: z.boolean(), room: z.boolean() }),
  }),
  z.object({ refused: z.literal('space_full') }),
  z.object({ refused: z.literal('rate'), retryAfterSeconds: z.int() }),
  z.object({ refused: z.literal('too_slow') }),
]);
type Refusal = z.output<typeof refusal>;

const decision = z.union([refusal, admission]);

/** A token that was made, as `settle` takes it. */
export interface Made {
  id: string;
  mint?: 'ivs' | 'key-pair';
  participantId?: string;
  signingKeyId?: string;
  expiresAt: string;
  sessionExpiresAt: string;
}

/** A token leaves within this time of its last check, or not at all, in milliseconds. A ban's answer waits as long. */
export const releaseWindowMs = limits.releaseWindowSeconds * 1_000;

/** Decides who gets in. The decision itself is `admit` and `settle` in the database, where nothing can come in between. */
@Injectable()
export class AdmissionService {
  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
  ) {}

  /**
   * Runs every admission check and records the grants, in one round trip.
   * @throws Problem that says why not.
   */
  async admit(caller: TenantCaller, request: AdmissionRequest): Promise<Admission> {
    const perMinute = this.settings.vendsPerUserPerMinute;
    const decided = await this.database.value(
      'admit',
      {
        tenant: caller.tenantId,
        callerKind: caller.kind,
        credential: credentialId(caller),
        caller: callerRef(caller),
        space: request.spaceId,
        user: request.userId,
        pseudonym: request.pseudonym,
        roleAsked: request.roleAsked ?? null,
        roleClaimed: request.roleClaimed ?? null,
        stageGrant: request.stageGrantId,
        chatGrant: request.chatGrantId,
        participant: request.participantId,
        auditEntry: newId('aud'),
        auditAction: request.action,
        request: currentRequest()?.requestId ?? 'background',
        vendsPerMinute: perMinute,
        limits,
      },
      decision,
    );
    if ('refused' in decided) throw refusalProblem(decided, perMinute);
    return decided;
  }

  /**
   * Records what IVS made and what it did not, and checks once more that the tokens may leave.
   * @throws Problem if a ban came in between, or if the vend took too long: then nothing leaves.
   */
  async settle(caller: TenantCaller, request: AdmissionRequest, made: Made[], failed: string[]): Promise<void> {
    const refused = await this.database.value(
      'settle',
      {
        tenant: caller.tenantId,
        user: request.userId,
        space: request.spaceId,
        made: JSON.stringify(made),
        failed,
      },
      refusal.nullable(),
    );
    if (refused) throw refusalProblem(refused, this.settings.vendsPerUserPerMinute);
  }
}

function refusalProblem(refused: Refusal, perMinute: number): Problem {
  switch (refused.refused) {
    case 'credential':
      return new Problem('unauthenticated', 'The credential was revoked or has expired.');
    case 'tenant_suspended':
      return new Problem('forbidden', 'The tenant is suspended: no tokens are given.');
    case 'space_unknown':
      return notFound('space');
    case 'space_closed':
      return new Problem('space_closed', 'The space is closed: no tokens are given until it is opened again.');
    case 'space_frozen':
      return new Problem('space_closed', 'The space is frozen: only moderators are given tokens until it is unfrozen.');
    case 'banned':
      return bannedProblem(refused);
    case 'role_none':
      return new Problem('forbidden', 'The user has no role in this space: no membership, no role claim, no default.');
    case 'role_unknown':
      return invalid('role', 'must be a role of the tenant');
    case 'nothing_to_give':
      return nothingToGive(refused);
    case 'space_full':
      return new Problem('space_full', 'As many users as the space takes hold tokens for it. Try again later.');
    case 'rate':
      return new Problem('rate_limited', `A user gets at most ${perMinute} tokens of a kind a minute.`, {
        retryAfterSeconds: refused.retryAfterSeconds,
        headers: rateLimitHeaders(perMinute, perMinute, refused.retryAfterSeconds),
      });
    case 'too_slow':
      return new Problem('unavailable', 'It took too long to make the tokens. Try again.');
  }
}

function bannedProblem({ until, reason }: Extract<Refusal, { refused: 'banned' }>): Problem {
  const what = until
    ? `You are banned until ${until.toISOString()}; try again after that, or ask a moderator.`
    : 'You are banned; only a moderator can lift this.';
  return new Problem('banned', what, {
    extra: { until: until?.toISOString() ?? null, ...(reason && { reason }) },
  });
}

function nothingToGive({ role, space }: Extract<Refusal, { refused: 'nothing_to_give' }>): Problem {
  const has = [space.stage && 'a stage', space.room && 'a chat room'].filter(Boolean).join(' and ');
  return new Problem('forbidden', `There is no such token to give: the space has ${has}, the role is ${role}.`);
}
