import { Injectable } from '@nestjs/common';
import { callerRef, credentialId, type TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { Database } from '../database/database.ts';
import { invalid, notFound, Problem } from '../errors.ts';
import { newId } from '../ids.ts';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
import { currentRequest } from '../request-context.ts';
import type { KnownStage } from '../spaces/stage-endpoints.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';

/** What somebody asks to be let in with. */
export interface AdmissionRequest {
  spaceId: string;
  userId: string;
  /** What IVS is to see instead of the user id, should the tenant want that. */
  pseudonym: string;
  /** A role an API key names for the user. */
  roleAsked: string | undefined;
  /** A role the user's JWT claims. */
  roleClaimed: string | undefined;
  /** Ids of the grants to write, for the halves that are wanted. */
  stageGrantId: string | null;
  chatGrantId: string | null;
  /** The participant id to use if the stage token is signed here. */
  participantId: string;
  /** What the audit log calls it. */
  action: string;
}

/** A decision to let somebody in, with the grants on record and what is needed to make the tokens. */
export interface Admission {
  tenant: IvsAccount & { id: string };
  /** The user as IVS is to know him. */
  ivsUserId: string;
  space: { id: string; name: string };
  role: { name: string; attributes: Record<string, string> };
  /** ISO 8601, by the database's clock. */
  issuedAt: string;
  /** Vends of this kind by this user in the last minute, with this one. */
  used: number;
  stage: (KnownStage & { capabilities: ('PUBLISH' | 'SUBSCRIBE')[]; ttlSeconds: number }) | null;
  chat: {
    arn: string;
    capabilities: ('SEND_MESSAGE' | 'DELETE_MESSAGE' | 'DISCONNECT_USER')[];
    sessionMinutes: number;
  } | null;
  signingKey: { id: string; arn: string; state: 'active' | 'retiring'; privateKey: string } | null;
}

/** A token that was made, as the ledger is to know it. */
export interface Made {
  id: string;
  mint?: 'ivs' | 'key-pair';
  participantId?: string;
  signingKeyId?: string;
  expiresAt: string;
  sessionExpiresAt: string;
}

interface Refusal {
  refused: string;
  until?: string | null;
  reason?: string | null;
  role?: string;
  space?: { stage: boolean; room: boolean };
  retryAfterSeconds?: number;
}

/**
 * A token leaves within this time of the last look at whether it may, or not at all, in milliseconds. Who answers a ban
 * waits as long for tokens that were looked at just before (`seconds_until_all_have_left`).
 */
export const releaseWindowMs = 1_000;

const admitSql = 'select admit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) as decision';
const settleSql = 'select settle($1, $2, $3, $4, $5) as refusal';

/** Decides who gets in. The deciding itself is `admit` and `settle` in the database, where it cannot be raced. */
@Injectable()
export class AdmissionService {
  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
  ) {}

  /**
   * Runs every admission check and writes the grants down, in one round trip.
   * @throws Problem saying why not.
   */
  async admit(caller: TenantCaller, request: AdmissionRequest): Promise<Admission> {
    const perMinute = this.settings.vendsPerUserPerMinute;
    const [row] = await this.database.call<{ decision: Admission | Refusal }>('admit', admitSql, [
      caller.tenantId,
      caller.kind,
      credentialId(caller),
      callerRef(caller),
      request.spaceId,
      request.userId,
      request.pseudonym,
      request.roleAsked ?? null,
      request.roleClaimed ?? null,
      request.stageGrantId,
      request.chatGrantId,
      request.participantId,
      newId('aud'),
      request.action,
      currentRequest()?.requestId ?? 'background',
      perMinute,
    ]);
    if (!row) throw new Error('admit answered nothing');
    if ('refused' in row.decision) throw refusalProblem(row.decision, perMinute);
    return row.decision;
  }

  /**
   * Notes what IVS made and what it did not, and checks once more that it may be handed out.
   * @throws Problem if a ban came in between: then nothing made may leave.
   */
  async settle(caller: TenantCaller, request: AdmissionRequest, made: Made[], failed: string[]): Promise<void> {
    const [row] = await this.database.call<{ refusal: Refusal | null }>('settle', settleSql, [
      caller.tenantId,
      request.userId,
      request.spaceId,
      JSON.stringify(made),
      failed,
    ]);
    if (row?.refusal) throw refusalProblem(row.refusal, this.settings.vendsPerUserPerMinute);
  }
}

function refusalProblem(refusal: Refusal, perMinute: number): Problem {
  switch (refusal.refused) {
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
      return bannedProblem(refusal);
    case 'role_none':
      return new Problem('forbidden', 'The user has no role in this space: no membership, no role claim, no default.');
    case 'role_unknown':
      return invalid('role', 'must be a role of the tenant');
    case 'nothing_to_give':
      return nothingToGive(refusal);
    case 'space_full':
      return new Problem('space_full', 'As many users as the space takes hold tokens for it. Try again later.');
    case 'rate':
      return new Problem('rate_limited', `A user is given at most ${perMinute} tokens of a kind a minute.`, {
        retryAfterSeconds: refusal.retryAfterSeconds ?? 60,
        headers: rateLimitHeaders(perMinute, perMinute, refusal.retryAfterSeconds ?? 60),
      });
    case 'too_slow':
      return new Problem('unavailable', 'It took too long to make the tokens. Try again.');
    default:
      throw new Error(`the database refused for an unknown reason: ${refusal.refused}`);
  }
}

function bannedProblem({ until, reason }: Refusal): Problem {
  const what = until
    ? `You are banned until ${new Date(until).toISOString()}; try again after that, or ask a moderator.`
    : 'You are banned; only a moderator can lift this.';
  return new Problem('banned', what, {
    extra: { until: until ? new Date(until).toISOString() : null, ...(reason && { reason }) },
  });
}

function nothingToGive({ role, space }: Refusal): Problem {
  const has = [space?.stage && 'a stage', space?.room && 'a chat room'].filter(Boolean).join(' and ');
  return new Problem('forbidden', `There is no such token to give: the space has ${has}, the role is ${role}.`);
}
