import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { callerRef, credentialId, type TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { noteCommit } from '../database/commits.ts';
import { isRefusedByPostgres } from '../database/database-errors.ts';
import { Database } from '../database/database.ts';
import { valueIn } from '../database/sql-call.ts';
import { newId } from '../ids.ts';
import { limits } from '../limits.ts';
import { currentRequest } from '../request-context.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { type Admission, admission, admitRefusal, type AdmitRefusal, refusal } from './admission-answers.ts';
import { admissionsOf } from './group-answer.ts';
import { Groups } from './groups.ts';
import { OutrankedBans } from './outranked-bans.ts';
import { refusalProblem } from './refusal-problem.ts';

/** A request for tokens, with what `admit` needs of it. */
export interface AdmissionRequest {
  spaceId: string;
  userId: string;
  /** The user id that IVS sees if the tenant has set `ivsUserIds` to `pseudonym`. */
  pseudonym: string;
  /** The role that an API key names for the user. */
  roleAsked: string | undefined;
  /** Names of the roles that the user's JWT claims. */
  rolesClaimed: readonly string[];
  /** Ids of the grants to record; null for a token that was not requested. */
  stageGrantId: string | null;
  chatGrantId: string | null;
  /** Participant id for a stage token that Stagedoor signs. */
  participantId: string;
  /** Name of the vend in the audit log. */
  action: string;
}

/** The answer of `admit`, before it is known which of the two it is. A union would try both schemas for each vend. */
const answer = z.custom<object>((value) => typeof value === 'object' && value !== null);

/** What a call decided, and the time before its checks, in milliseconds of `performance.now()`. */
interface Decided {
  answer: { admission: Admission } | { refused: AdmitRefusal };
  checkedAt: number;
}

/** What `settle` records of a token that was made. Times are ISO 8601. */
export interface MintedToken {
  /** Id of the grant. */
  id: string;
  mint?: 'ivs' | 'key-pair';
  participantId?: string;
  signingKeyId?: string;
  expiresAt: string;
  sessionExpiresAt: string;
}

/** Longest time from the last check of a token until it leaves, in milliseconds. The answer to a ban waits as long. */
export const releaseWindowMs = limits.releaseWindowSeconds * 1_000;

/** Shortest time between two tries of a vend that waits, in milliseconds. */
const retryMs = 100;

/**
 * Decides who gets tokens. The SQL functions `admit` and `settle` decide, under locks that a ban takes too. While vends of
 * the tenant are at the database, others gather, and `admit_group` decides on them in one call. It knows the plain case
 * alone: everybody else leaves the group, and `admit` decides.
 */
@Injectable()
export class AdmissionService {
  private readonly groups = new Groups<Asked, Decided>((tenantId, asked) => this.admitGroup(tenantId, asked));

  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
    private readonly outrankedBans: OutrankedBans,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Runs every admission check and records the grants, in one round trip. It ends bans that the user outranks first. It
   * waits for calls that disconnect the user from the room, two seconds at most.
   * @returns the admission, and the time before its check, in milliseconds of `performance.now()`.
   * @throws Problem that gives the reason of the refusal.
   */
  async admit(caller: TenantCaller, request: AdmissionRequest): Promise<{ admission: Admission; checkedAt: number }> {
    const deadline = performance.now() + limits.disconnectWaitSeconds * 1_000;
    const alone = () => this.admitAlone(caller, request);
    const asked = { ...request, caller, requestId: currentRequest()?.requestId ?? 'background' };
    let decided = await this.groups.run(caller.tenantId, asked, alone);
    for (;;) {
      const { answer, checkedAt } = decided;
      if ('admission' in answer) {
        noteCommit();
        return { admission: answer.admission, checkedAt };
      }
      const { refused } = answer;
      if (refused.refused === 'outranks') {
        await this.outrankedBans.end(caller, { banId: refused.ban, userId: request.userId, rank: refused.rank });
      } else {
        const waitMs = refused.refused === 'disconnecting' ? Math.max(refused.seconds * 1000, retryMs) : Infinity;
        if (performance.now() + waitMs > deadline) throw refusalProblem(refused, this.settings.vendsPerUserPerMinute);
        await sleep(waitMs);
      }
      decided = await alone();
    }
  }

  /**
   * Whether a stage token may be for a participant who is on the stage. `admit` decides about the token itself. A participant
   * who is disconnected after this look cannot join with it, and the watch sees them as before.
   */
  async participantMayStay(
    caller: TenantCaller,
    spaceId: string,
    userId: string,
    participantId: string,
  ): Promise<boolean> {
    const asked = { tenant: caller.tenantId, space: spaceId, user: userId, participant: participantId };
    return await this.database.inTenantOf(caller, (tx) => valueIn(tx, 'participant_may_stay', asked, z.boolean()));
  }

  private async admitAlone(caller: TenantCaller, request: AdmissionRequest): Promise<Decided> {
    const checkedAt = performance.now();
    const decided = await this.database.value(
      'admit',
      {
        ...decidedOn(caller, request),
        caller: callerRef(caller),
        pseudonym: request.pseudonym,
        stageGrant: request.stageGrantId,
        chatGrant: request.chatGrantId,
        participant: request.participantId,
        auditEntry: newId('aud'),
        outrankedEntry: newId('aud'),
        auditAction: request.action,
        request: currentRequest()?.requestId ?? 'background',
        vendsPerMinute: this.settings.vendsPerUserPerMinute,
        limits,
      },
      answer,
    );
    const isRefused = 'refused' in decided;
    return {
      answer: isRefused ? { refused: admitRefusal.parse(decided) } : { admission: admission.parse(decided) },
      checkedAt,
    };
  }

  private async admitGroup(tenantId: string, asked: Asked[]): Promise<({ result: Decided } | undefined)[]> {
    const checkedAt = performance.now();
    const { vendsPerUserPerMinute: vendsPerMinute } = this.settings;
    const requests = JSON.stringify(asked.map(groupRequest));
    this.metrics.vendGroups.observe({ step: 'admit' }, asked.length);
    try {
      const value = await this.database.value(
        'admit_group',
        { tenant: tenantId, requests, vendsPerMinute, limits },
        answer,
      );
      const { admissions, left } = admissionsOf(value, asked.length);
      for (const reason of left) this.metrics.vendsLeft.inc({ step: 'admit', reason });
      return admissions.map((one) => one && { result: { answer: { admission: one }, checkedAt } });
    } catch (error) {
      // The statement changed nothing. One of the requests may be the reason, so each is decided alone.
      if (!isRefusedByPostgres(error)) throw error;
      this.metrics.vendsLeft.inc({ step: 'admit', reason: 'failed' }, asked.length);
      return [];
    }
  }

  /**
   * Records the tokens that were made, and checks once more that they may leave.
   * @param failed ids of the grants whose tokens were not made.
   * @throws Problem if a check of `admit` fails now, or if the vend took too long. Then no token leaves.
   */
  async settle(caller: TenantCaller, request: AdmissionRequest, made: MintedToken[], failed: string[]): Promise<void> {
    const refused = await this.database.value(
      'settle',
      {
        ...decidedOn(caller, request),
        grants: [request.stageGrantId, request.chatGrantId].filter((id) => id !== null),
        made: JSON.stringify(made),
        failed,
      },
      refusal.nullable(),
    );
    if (refused) throw refusalProblem(refused, this.settings.vendsPerUserPerMinute);
  }
}

/** What `admit` and `settle` both decide on. */
export function decidedOn(
  caller: TenantCaller,
  request: Pick<AdmissionRequest, 'spaceId' | 'userId' | 'roleAsked' | 'rolesClaimed'>,
) {
  return {
    tenant: caller.tenantId,
    callerKind: caller.kind,
    credential: credentialId(caller),
    space: request.spaceId,
    user: request.userId,
    roleAsked: request.roleAsked ?? null,
    rolesClaimed: request.rolesClaimed,
  };
}

/** A request as it waits for its group. */
interface Asked extends AdmissionRequest {
  caller: TenantCaller;
  requestId: string;
}

/** A member of a group, as `vend_requests` reads it. */
function groupRequest(asked: Asked, nth: number) {
  return {
    nth,
    kind: asked.caller.kind,
    credential: credentialId(asked.caller),
    caller: callerRef(asked.caller),
    space: asked.spaceId,
    user: asked.userId,
    pseudonym: asked.pseudonym,
    asked: asked.roleAsked ?? null,
    claimed: asked.rolesClaimed,
    stage_grant: asked.stageGrantId,
    chat_grant: asked.chatGrantId,
    participant: asked.participantId,
    entry: newId('aud'),
    action: asked.action,
    request: asked.requestId,
  };
}
