import type { Stage } from '../realtime/types.ts';
import type { LeaveReason, Presence, Scope } from '../state/scope.ts';
import type { World } from '../state/world.ts';
import { endCompositionsOf } from './composition-life.ts';
import { unpublish } from './media.ts';
import { endReplication, endReplicationsOf, mirrorMedia, openReconnectWindows } from './replication.ts';
import { activeSession, connectedAs, connectedIn, markDisconnected } from './session.ts';

/**
 * Disconnects a participant. Their media, recording and ingest end, and the reconnect windows of their replicas open.
 * If the participant is a replica, the replication ends.
 */
export function disconnect(world: World, presence: Presence, reason: LeaveReason): void {
  const { scope, stage, participant } = presence;
  const { participantId, ingestConfigurationArn } = participant.participant;
  if (participant.mint === 'replica') {
    const replication = scope.replications.find(
      (candidate) =>
        candidate.replicationState === 'ACTIVE' &&
        candidate.destinationStageArn === stage.arn &&
        candidate.participantId === participantId,
    );
    if (replication) endReplication(world, scope, replication, reason);
    return;
  }
  unpublish(world, presence);
  mirrorMedia(world, presence);
  markDisconnected(world, presence, reason);
  openReconnectWindows(world, presence);
  if (ingestConfigurationArn) endIngest(scope, ingestConfigurationArn, participantId, reason);
}

/**
 * Makes an ingest configuration INACTIVE when none of its participants is connected. DisconnectParticipant also clears
 * its stage. Otherwise the encoder would reconnect at once (service model).
 */
function endIngest(scope: Scope, arn: string, participantId: string, reason: LeaveReason): void {
  const ingest = scope.ingestConfigurations.get(arn);
  if (!ingest) return;
  if (reason === 'participant-disconnected') ingest.stageArn = '';
  const hasOthers = (ingest.redundantIngestCredentials ?? [])
    .filter((credential) => credential.participantId !== participantId)
    .some((credential) =>
      [...scope.stages.keys()].some((stage) => connectedAs(scope, stage, credential.participantId ?? '')),
    );
  if (!hasOthers) ingest.state = 'INACTIVE';
}

/** Disconnects everybody from a stage that is deleted. */
export function endStage(world: World, scope: Scope, stage: Stage): void {
  endReplicationsOf(world, scope, stage.arn);
  for (const participant of connectedIn(activeSession(scope.stageLives.get(stage.arn)))) {
    disconnect(world, { scope, stage, participant }, 'stage-deleted');
  }
  endCompositionsOf(world, scope, stage.arn);
}

/** Disconnects the participants, on every stage, whose token was verified with this public key. */
export function disconnectKeyHolders(world: World, scope: Scope, keyArn: string): void {
  for (const stage of scope.stages.values()) {
    for (const participant of connectedIn(activeSession(scope.stageLives.get(stage.arn)))) {
      if (participant.keyArn === keyArn) disconnect(world, { scope, stage, participant }, 'key-deleted');
    }
  }
}
