import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { callerRef, credentialId, type TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { noteCommit } from '../database/commits.ts';
import { Database } from '../database/database.ts';
import { valueIn } from '../database/sql-call.ts';
import { CredentialRefused, invalid, notFound, Problem } from '../errors.ts';
import { newId } from '../ids.ts';
import { limits } from '../limits.ts';
import { currentRequest } from '../request-context.ts';
import { OutrankedBans } from './outranked-bans.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';

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

/** The stage of the space, and what the stage token allows. `endpoints` is as in `spaces/stage-endpoints.ts`. */
const stage = z.object({
  arn: z.string(),
  endpoints: z.object({ events: z.string(), whip: z.string() }),
  /** Time at which IVS returned the endpoints: ISO 8601. */
  endpointsAt: z.string(),
  capabilities: z.array(z.enum(['PUBLISH', 'SUBSCRIBE'])),
  /** Lifetime of the token, in seconds. */
  ttlSeconds: z.int(),
});

/** The chat room of the space, and what the chat token allows. */
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

/** What `admission_answer` returns: the decision to give tokens. Its grants are on record. */
export const admission = z.object({
  tenant: z.object({
    id: z.string(),
    region: z.string(),
    awsRoleArn: z.string().nullable(),
    awsExternalId: z.string().nullable(),
  }),
  /** The user id that IVS sees: the user id of the tenant, or a pseudonym. */
  ivsUserId: z.string(),
  space: z.object({ id: z.string(), name: z.string() }),
  role: z.object({
    name: z.string(),
    attributes: z.record(z.string(), z.string()),
    /** Names of the attributes that an app user may add. */
    clientAttributes: z.array(z.string()),
  }),
  /** Time of the decision, by the clock of the database: ISO 8601. */
  issuedAt: z.string(),
  /** Number of vends of this kind to this user in the last minute, with this one. */
  used: z.int(),
  /** What the stage token is made from; null for a vend without a stage token. */
  stage: stage.nullable(),
  /** What IVS makes the chat token from; null for a vend without a chat token. */
  chat: chat.nullable(),
  /** The key pair that may sign the stage token; null if the tenant has no signing key. */
  signingKey: signingKey.nullable(),
});
export type Admission = z.output<typeof admission>;

/** What `admit` and `settle` return if no token may leave. The codes stand in the order of the checks. */
export const refusal = z.discriminatedUnion('refused', [
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
  z.object({ refused: z.literal('disconnecting'), seconds: z.number() }),
  z.object({ refused: z.literal('space_full') }),
  z.object({ refused: z.literal('rate'), retryAfterSeconds: z.int() }),
  z.object({ refused: z.literal('too_slow') }),
]);
export type Refusal = z.output<typeof refusal>;

/** What `admit` returns if it must be called again once this ban is ended, or if no token may leave. */
const admitRefusal = z.discriminatedUnion('refused', [
  z.object({ refused: z.literal('outranks'), ban: z.string(), rank: z.int() }),
  refusal,
]);

/** The answer of `admit`, before it is known which of the two it is. A union would try both schemas for each vend. */
const answer = z.custom<object>((value) => typeof value === 'object' && value !== null);

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

/** Decides who gets tokens. The SQL functions `admit` and `settle` decide, under locks that a ban takes too. */
@Injectable()
export class AdmissionService {
  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
    private readonly outrankedBans: OutrankedBans,
  ) {}

  /**
   * Runs every admission check and records the grants, in one round trip. It ends bans that the user outranks first. It
   * waits for calls that disconnect the user from the room, two seconds at most.
   * @returns the admission, and the time before its check, in milliseconds of `performance.now()`.
   * @throws Problem that gives the reason of the refusal.
   */
  async admit(caller: TenantCaller, request: AdmissionRequest): Promise<{ admission: Admission; checkedAt: number }> {
    const deadline = performance.now() + limits.disconnectWaitSeconds * 1_000;
    for (;;) {
      const checkedAt = performance.now();
      const decided = await this.tryToAdmit(caller, request);
      if (!('refused' in decided)) {
        noteCommit();
        return { admission: admission.parse(decided), checkedAt };
      }
      const refused = admitRefusal.parse(decided);
      if (refused.refused === 'outranks') {
        await this.outrankedBans.end(caller, { banId: refused.ban, userId: request.userId, rank: refused.rank });
        continue;
      }
      const waitMs = refused.refused === 'disconnecting' ? Math.max(refused.seconds * 1000, retryMs) : Infinity;
      if (performance.now() + waitMs > deadline) throw refusalProblem(refused, this.settings.vendsPerUserPerMinute);
      await sleep(waitMs);
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

  private async tryToAdmit(caller: TenantCaller, request: AdmissionRequest): Promise<object> {
    return await this.database.value(
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

/** What a join is answered that is refused. @param perMinute vends that a user may have in a minute. */
export function refusalProblem(refused: Refusal, perMinute: number): Problem {
  switch (refused.refused) {
    case 'credential':
      return new CredentialRefused();
    case 'tenant_suspended':
      return new Problem('forbidden', 'The tenant is suspended. It gets no tokens.');
    case 'space_unknown':
      return notFound('space');
    case 'space_closed':
      return new Problem('space_closed', 'The space is closed. Nobody gets tokens for it until it is opened again.');
    case 'space_frozen':
      return new Problem(
        'space_closed',
        'The space is frozen. Only moderators get tokens for it until it is unfrozen.',
      );
    case 'banned':
      return bannedProblem(refused);
    case 'role_none':
      return new Problem(
        'forbidden',
        'The user has no role in this space. They are no member, their JWT claims no role, and the space has no default role.',
      );
    case 'role_unknown':
      return invalid('role', 'must be a role of the tenant');
    case 'nothing_to_give':
      return nothingToGive(refused);
    case 'disconnecting':
      return new Problem(
        'unavailable',
        'A moderator’s call that disconnects the user from the chat room is not over, and would close a new connection too. Try again, or ask for the stage token alone.',
        { retryAfterSeconds: Math.max(1, Math.ceil(refused.seconds)) },
      );
    case 'space_full':
      return new Problem('space_full', 'The space is full. Try again later.');
    case 'rate':
      return new Problem('rate_limited', `A user gets at most ${perMinute} tokens of a kind in a minute.`, {
        retryAfterSeconds: refused.retryAfterSeconds,
        headers: rateLimitHeaders(perMinute, perMinute, refused.retryAfterSeconds),
      });
    case 'too_slow':
      return new Problem('unavailable', 'The tokens were not made in time. Try again.');
  }
}

function bannedProblem({ until, reason }: Extract<Refusal, { refused: 'banned' }>): Problem {
  const what = until
    ? `You are banned until ${until.toISOString()}. Try again after that, or ask a moderator.`
    : 'You are banned; only a moderator can lift this.';
  return new Problem('banned', what, {
    extra: { until: until?.toISOString() ?? null, ...(reason && { reason }) },
  });
}

function nothingToGive({ role, space }: Extract<Refusal, { refused: 'nothing_to_give' }>): Problem {
  const has = [space.stage && 'a stage', space.room && 'a chat room'].filter(Boolean).join(' and ');
  return new Problem(
    'forbidden',
    `The role ${role} gives none of the requested tokens in this space. The space has ${has}.`,
  );
}
