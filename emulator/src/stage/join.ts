import type { Participant } from '../realtime/types.ts';
import { iso } from '../clock.ts';
import type { ParticipantLife, Presence, Scope, SessionLife, StageLife } from '../state/scope.ts';
import type { World } from '../state/world.ts';
import { StageRefusal } from './refusal.ts';
import { disconnect } from './leave.ts';
import { unpublish } from './media.ts';
import { mirrorMedia, cancelReconnectWindows } from './replication.ts';
import { activeSession, connectedAs, connectedIn, openSession, record } from './session.ts';
import { checkToken, type CheckedToken } from './token-check.ts';

/** What a client tells about itself when it joins. GetParticipant answers it. */
export type ClientInfo = Pick<
  Participant,
  'ispName' | 'osName' | 'osVersion' | 'browserName' | 'browserVersion' | 'sdkVersion'
>;

/** A participant who has joined. */
export interface Joined {
  stageArn: string;
  sessionId: string;
  participantId: string;
  /** Distinguishes this connection from others of the same participant id. */
  connection: number;
  userId: string;
  attributes: Record<string, string>;
  capabilities: { publish: boolean; subscribe: boolean };
}

/**
 * Joins a stage with a participant token that IVS made or that the customer signed.
 *
 * @throws StageRefusal when the token does not allow it.
 */
export function joinStage(world: World, token: string, client: ClientInfo = {}): Joined {
  const checked = checkToken(world, token);
  const { scope, stage, claims } = checked;
  const now = world.clock.now();
  const life = scope.stageLives.get(stage.arn);
  if (!life) throw new StageRefusal('STAGE_DELETED', 'the stage has been deleted');
  refuseKicked(world, life, checked, now);
  const before = connectedAs(scope, stage.arn, claims.jti);
  if (before) {
    life.replaced.add(claims.jti);
    endReplacedConnection(world, before);
  } else if (connectedIn(activeSession(life)).length >= world.limits.participantsPerStage) {
    throw new StageRefusal('STAGE_AT_CAPACITY', `the stage has ${world.limits.participantsPerStage} participants`);
  }
  const session = openSession(world, scope, stage, life);
  const participant = admit(session, checked, client, now);
  cancelReconnectWindows(world, { scope, stage, participant });
  if (!world.switches.expiredStays) scheduleExpiry(world, checked);
  return {
    stageArn: stage.arn,
    sessionId: session.sessionId,
    participantId: claims.jti,
    connection: participant.connection,
    userId: claims.user_id ?? '',
    attributes: claims.attributes ?? {},
    capabilities: participant.capabilities,
  };
}

function refuseKicked(world: World, life: StageLife, token: CheckedToken, now: number): void {
  const { switches } = world;
  const { jti } = token.claims;
  const kickedAt = life.kicked.get(jti);
  const isExempt = token.keyArn !== undefined && !switches.kickedSelfSignedRefused;
  if (kickedAt !== undefined && !isExempt) {
    const { kickedRefusedSeconds } = switches;
    if (kickedRefusedSeconds === null || now < kickedAt + kickedRefusedSeconds * 1000) {
      throw new StageRefusal('PARTICIPANT_DISCONNECTED', 'the participant was disconnected from the stage');
    }
  }
  if (life.replaced.has(jti) && !switches.replacedMayReturn) {
    throw new StageRefusal('PARTICIPANT_DISCONNECTED', 'the token was used a second time');
  }
}

/**
 * Ends the first connection of a token that is used a second time. It does not end the session, because the second
 * connection joins at once.
 */
function endReplacedConnection(world: World, before: Presence): void {
  unpublish(world, before);
  mirrorMedia(world, before);
  before.participant.leaveReason = 'token-reused';
  record(before.participant, world.clock.now(), { name: 'LEFT' });
}

/**
 * Adds a participant to a session. If the participant id was there before, the new connection takes over its record.
 */
function admit(session: SessionLife, token: CheckedToken, client: ClientInfo, now: number): ParticipantLife {
  const { claims, keyArn } = token;
  const known = session.participants.get(claims.jti);
  const life: ParticipantLife = {
    participant: {
      ...newParticipant(claims.jti, now),
      ...known?.participant,
      ...client,
      userId: claims.user_id ?? '',
      attributes: claims.attributes ?? {},
      state: 'CONNECTED',
    },
    events: known?.events ?? [],
    mint: keyArn ? 'key-pair' : 'ivs',
    capabilities: {
      publish: claims.capabilities.allow_publish === true,
      subscribe: claims.capabilities.allow_subscribe === true,
    },
    tokenExpiresAt: claims.exp * 1000,
    ...(keyArn && { keyArn }),
    connection: (known?.connection ?? 0) + 1,
    publishing: false,
  };
  session.participants.set(claims.jti, life);
  record(life, now, { name: 'JOINED' });
  return life;
}

function newParticipant(participantId: string, now: number): ParticipantLife['participant'] {
  return {
    participantId,
    firstJoinTime: iso(now),
    published: false,
    recordingState: 'DISABLED',
    protocol: 'UNKNOWN',
    replicationType: 'NONE',
  };
}

function scheduleExpiry(world: World, token: CheckedToken): void {
  const { scope, stage, claims } = token;
  world.schedule.add({
    at: claims.exp * 1000,
    what: 'token-expires',
    account: scope.account,
    region: scope.region,
    arn: stage.arn,
    participantId: claims.jti,
  });
}

/** Disconnects a participant whose token has expired. A participant who has a newer token by now stays. */
export function expireToken(world: World, scope: Scope, stageArn: string, participantId: string): void {
  const presence = connectedAs(scope, stageArn, participantId);
  if (presence && presence.participant.tokenExpiresAt <= world.clock.now())
    disconnect(world, presence, 'token-expired');
}
