import type { Stage } from '../realtime/types.ts';
import type { LeaveReason, Presence, Scope } from '../state/scope.ts';
import type { World } from '../state/world.ts';
import { stageDeleted } from './composition-life.ts';
import { unpublish } from './media.ts';
import { endReplication, endReplicationsOf, mirrorMedia, sourceLeft } from './replication.ts';
import { activeSession, connectedAs, connectedIn, depart } from './session.ts';

/** Takes a participant off the stage, with all that hangs on it: media, recording, replicas, an ingest. */
export function disconnect(world: World, on: Presence, reason: LeaveReason): void {
  const { scope, stage, participant } = on;
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
  unpublish(world, on);
  mirrorMedia(world, on);
  depart(world, on, reason);
  sourceLeft(world, on);
  if (ingestConfigurationArn) endIngest(scope, ingestConfigurationArn, participantId, reason);
}

/** A kick blanks the stage of the ingest configuration too, or the encoder would be back at once (service model). */
function endIngest(scope: Scope, arn: string, participantId: string, reason: LeaveReason): void {
  const ingest = scope.ingestConfigurations.get(arn);
  if (!ingest) return;
  if (reason === 'participant-disconnected') ingest.stageArn = '';
  const others = (ingest.redundantIngestCredentials ?? [])
    .filter((credential) => credential.participantId !== participantId)
    .some((credential) =>
      [...scope.stages.keys()].some((stage) => connectedAs(scope, stage, credential.participantId ?? '')),
    );
  if (!others) ingest.state = 'INACTIVE';
}

/** Disconnects everybody, because the stage goes. */
export function endStage(world: World, scope: Scope, stage: Stage): void {
  endReplicationsOf(world, scope, stage.arn);
  for (const participant of connectedIn(activeSession(scope.stageLives.get(stage.arn)))) {
    disconnect(world, { scope, stage, participant }, 'stage-deleted');
  }
  stageDeleted(world, scope, stage.arn);
}

/** Disconnects those whose token was verified with this public key, on any stage. */
export function dropKeyHolders(world: World, scope: Scope, keyArn: string): void {
  for (const stage of scope.stages.values()) {
    for (const participant of connectedIn(activeSession(scope.stageLives.get(stage.arn)))) {
      if (participant.keyArn === keyArn) disconnect(world, { scope, stage, participant }, 'key-deleted');
    }
  }
}
