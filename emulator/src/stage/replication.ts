import { emitStageUpdate } from './stage-events.ts';
import type { Stage } from '../realtime/types.ts';
import type { LeaveReason, ParticipantLife, Presence, Replication, Scope } from '../state/scope.ts';
import type { World } from '../state/world.ts';
import { publish, unpublish } from './media.ts';
import { StageRefusal } from './refusal.ts';
import { connectedAs, markDisconnected, openSession, record } from './session.ts';

/** Starts to show a participant of one stage on another (service model). The caller has checked that it is allowed. */
export function beginReplication(
  world: World,
  source: Presence,
  destination: Stage,
  options: { reconnectWindowSeconds: number; attributes: Record<string, string> },
): Replication {
  const { scope, stage, participant } = source;
  const now = world.clock.now();
  const life = scope.stageLives.get(destination.arn);
  if (!life) throw new Error(`there is no record of the sessions of ${destination.arn}`);
  const session = openSession(world, scope, destination, life);
  const { participantId } = participant.participant;
  const replication: Replication = {
    sourceStageArn: stage.arn,
    participantId,
    sourceSessionId: stage.activeSessionId ?? '',
    destinationStageArn: destination.arn,
    destinationSessionId: session.sessionId,
    replicationState: 'ACTIVE',
    reconnectWindowSeconds: options.reconnectWindowSeconds,
  };
  scope.replications.push(replication);
  participant.participant.replicationType = 'SOURCE';
  participant.participant.replicationState = 'ACTIVE';
  record(participant, now, eventOf('REPLICATION_STARTED', replication));
  emitStageUpdate(world, source, 'Participant Replication Started');
  const replica = newReplica(participant, replication, options.attributes);
  session.participants.set(participantId, replica);
  record(replica, now, { name: 'JOINED' });
  if (participant.publishing) publishIfRoom(world, { scope, stage: destination, participant: replica });
  return replication;
}

function newReplica(
  source: ParticipantLife,
  replication: Replication,
  attributes: Record<string, string>,
): ParticipantLife {
  return {
    ...source,
    participant: {
      ...source.participant,
      // The attributes that are given for the replica override those of the token (service model).
      attributes: { ...source.participant.attributes, ...attributes },
      published: false,
      recordingState: 'DISABLED',
      replicationType: 'REPLICA',
      replicationState: 'ACTIVE',
      sourceStageArn: replication.sourceStageArn,
      sourceSessionId: replication.sourceSessionId,
    },
    events: [],
    mint: 'replica',
    connection: 1,
    publishing: false,
  };
}

/** Starts or stops the media of all replicas of a participant, so that they follow their source. */
export function mirrorMedia(world: World, { scope, participant, stage }: Presence): void {
  for (const replication of activeReplications(scope, stage.arn, participant.participant.participantId)) {
    const replica = connectedAs(scope, replication.destinationStageArn, replication.participantId);
    if (!replica) continue;
    if (participant.publishing) publishIfRoom(world, replica);
    else unpublish(world, replica);
    replica.participant.muted = replica.participant.publishing && participant.muted === true;
  }
}

/**
 * Publishes a replica. On a full stage, the replication still goes on, and the events of the replica record the error.
 */
function publishIfRoom(world: World, replica: Presence): void {
  try {
    publish(world, replica);
  } catch (error) {
    if (!(error instanceof StageRefusal)) throw error;
  }
}

/** Opens the reconnect window of the replicas of a participant who has left. They end when the window closes. */
export function openReconnectWindows(world: World, { scope, stage, participant }: Presence): void {
  const now = world.clock.now();
  for (const replication of activeReplications(scope, stage.arn, participant.participant.participantId)) {
    replication.sourceLeftAt = now;
    world.schedule.add({
      at: now + replication.reconnectWindowSeconds * 1000,
      what: 'replication-lapses',
      account: scope.account,
      region: scope.region,
      arn: replication.destinationStageArn,
      participantId: replication.participantId,
    });
  }
}

/** Closes the reconnect windows of a participant who has come back in time. The replications go on. */
export function cancelReconnectWindows(world: World, { scope, stage, participant }: Presence): void {
  for (const replication of activeReplications(scope, stage.arn, participant.participant.participantId)) {
    delete replication.sourceLeftAt;
    world.schedule.cancel('replication-lapses', replication.destinationStageArn, replication.participantId);
    participant.participant.replicationType = 'SOURCE';
    participant.participant.replicationState = 'ACTIVE';
  }
}

/** Ends a replication into a stage, because its source did not come back within the reconnect window. */
export function lapseReplication(world: World, scope: Scope, destinationStageArn: string, participantId: string): void {
  const lapsed = scope.replications.find(
    (replication) =>
      replication.destinationStageArn === destinationStageArn &&
      replication.participantId === participantId &&
      replication.replicationState === 'ACTIVE' &&
      replication.sourceLeftAt !== undefined,
  );
  if (lapsed) endReplication(world, scope, lapsed, 'user-initiated');
}

/** Ends a replication. The replica leaves its stage. */
export function endReplication(world: World, scope: Scope, replication: Replication, reason: LeaveReason): void {
  const now = world.clock.now();
  const { sourceStageArn, destinationStageArn, participantId } = replication;
  replication.replicationState = 'STOPPED';
  const replica = connectedAs(scope, destinationStageArn, participantId);
  if (replica?.participant.mint === 'replica') {
    unpublish(world, replica);
    replica.participant.participant.replicationState = 'STOPPED';
    markDisconnected(world, replica, reason);
  }
  const source = connectedAs(scope, sourceStageArn, participantId);
  if (!source) return;
  record(source.participant, now, eventOf('REPLICATION_STOPPED', replication));
  emitStageUpdate(world, source, 'Participant Replication Stopped');
  if (activeReplications(scope, sourceStageArn, participantId).length === 0)
    source.participant.participant.replicationState = 'STOPPED';
}

/** Ends all replications into and out of a stage that is deleted. */
export function endReplicationsOf(world: World, scope: Scope, stageArn: string): void {
  for (const replication of scope.replications) {
    const { sourceStageArn, destinationStageArn, replicationState } = replication;
    if (replicationState !== 'ACTIVE' || (sourceStageArn !== stageArn && destinationStageArn !== stageArn)) continue;
    endReplication(world, scope, replication, 'stage-deleted');
  }
}

/** The active replications of a participant. */
export function activeReplications(scope: Scope, sourceStageArn: string, participantId: string): Replication[] {
  return scope.replications.filter(
    (replication) =>
      replication.replicationState === 'ACTIVE' &&
      replication.sourceStageArn === sourceStageArn &&
      replication.participantId === participantId,
  );
}

function eventOf(name: 'REPLICATION_STARTED' | 'REPLICATION_STOPPED', replication: Replication) {
  const { destinationStageArn, destinationSessionId } = replication;
  return { name, destinationStageArn, destinationSessionId };
}
