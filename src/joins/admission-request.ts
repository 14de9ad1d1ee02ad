import { callerRef, credentialId, type TenantCaller } from '../caller.ts';
import { newId } from '../ids.ts';

/** A request for tokens, with what `admit` needs of it. */
export interface AdmissionRequest {
  spaceId: string;
  userId: string;
  /** The user id that IVS sees if the tenant has set `ivsUserIds` to `pseudonym`. Bans that outlast an erasure are found by it. */
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
  /** Id of a participant who is on the stage, and whom the token is for if it may be (`participant_may_stay`). */
  stayingId: string | null;
  /** Ids of the grants that this request got before, if it is repeated. */
  repeats: readonly string[];
  /** Name of the vend in the audit log. */
  action: string;
}

/** What `admit` and `settle` both decide on. */
export function decidedOn(
  caller: TenantCaller,
  request: Pick<AdmissionRequest, 'spaceId' | 'userId' | 'pseudonym' | 'roleAsked' | 'rolesClaimed'>,
) {
  return {
    tenant: caller.tenantId,
    callerKind: caller.kind,
    credential: credentialId(caller),
    space: request.spaceId,
    user: request.userId,
    pseudonym: request.pseudonym,
    roleAsked: request.roleAsked ?? null,
    rolesClaimed: request.rolesClaimed,
  };
}

/** A request as it waits for its group. */
export interface Asked extends AdmissionRequest {
  caller: TenantCaller;
  requestId: string;
}

/** What the checks of a group need of a member, as `vend_requests` reads it. `nth` is its place in the group. */
export function standingRequest(asked: AdmissionRequest & { caller: TenantCaller }, nth: number) {
  return {
    nth,
    kind: asked.caller.kind,
    credential: credentialId(asked.caller),
    space: asked.spaceId,
    user: asked.userId,
    pseudonym: asked.pseudonym,
    asked: asked.roleAsked ?? null,
    claimed: asked.rolesClaimed,
  };
}

/** A member of a group that asks for tokens, as `vend_requests` reads it. */
export function groupRequest(asked: Asked, nth: number) {
  return {
    ...standingRequest(asked, nth),
    caller: callerRef(asked.caller),
    stage_grant: asked.stageGrantId,
    chat_grant: asked.chatGrantId,
    participant: asked.participantId,
    staying: asked.stayingId,
    entry: newId('aud'),
    action: asked.action,
    request: asked.requestId,
  };
}
