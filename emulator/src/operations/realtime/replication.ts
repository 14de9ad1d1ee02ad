import { activeReplications, beginReplication, endReplication } from '../../stage/replication.ts';
import { connectedAs } from '../../stage/session.ts';
import { parseArn } from '../../arns.ts';
import { attributesProblem } from '../../state/attributes.ts';
import { type Call, conflict, find, invalid, notFound, quotaExceeded } from '../../state/call.ts';
import { page } from '../../state/pages.ts';
import { ServiceError } from '../../wire/service-error.ts';
import type {
  ListParticipantReplicasRequest,
  ListParticipantReplicasResponse,
  StartParticipantReplicationRequest,
  StartParticipantReplicationResponse,
  StopParticipantReplicationRequest,
  StopParticipantReplicationResponse,
} from '../../realtime/types.ts';

/**
 * Starts to show a connected participant on another stage. A participant can be on five others (AWS docs, service
 * quotas).
 */
export function startParticipantReplication(
  call: Call,
  input: StartParticipantReplicationRequest,
): StartParticipantReplicationResponse {
  const { scope, world } = call;
  const { sourceStageArn, destinationStageArn, participantId } = input;
  find(call, scope.stages, sourceStageArn);
  const destination = find(call, scope.stages, destinationStageArn);
  if (sourceStageArn === destinationStageArn) throw invalid('destinationStageArn', 'must be another stage');
  const problem = attributesProblem(input.attributes, world.switches);
  if (problem) throw invalid('attributes', problem);
  const source = connectedAs(scope, sourceStageArn, participantId);
  if (!source) throw notConnected(participantId, sourceStageArn);
  if (connectedAs(scope, destinationStageArn, participantId)) {
    throw conflict(`participant ${participantId} is on the destination stage already`, destinationStageArn);
  }
  const limit = world.limits.replicationsPerParticipant;
  if (activeReplications(scope, sourceStageArn, participantId).length >= limit) {
    throw quotaExceeded('replications of a participant', limit);
  }
  beginReplication(world, source, destination, {
    reconnectWindowSeconds: input.reconnectWindowSeconds ?? 0,
    attributes: input.attributes ?? {},
  });
  return {};
}

export function stopParticipantReplication(
  call: Call,
  input: StopParticipantReplicationRequest,
): StopParticipantReplicationResponse {
  const { scope, world } = call;
  const { sourceStageArn, destinationStageArn, participantId } = input;
  find(call, scope.stages, sourceStageArn);
  find(call, scope.stages, destinationStageArn);
  const replication = activeReplications(scope, sourceStageArn, participantId).find(
    (candidate) => candidate.destinationStageArn === destinationStageArn,
  );
  if (!replication) throw notConnected(participantId, destinationStageArn);
  endReplication(world, scope, replication, 'participant-disconnected');
  return {};
}

export function listParticipantReplicas(
  call: Call,
  input: ListParticipantReplicasRequest,
): ListParticipantReplicasResponse {
  const { sourceStageArn, participantId } = input;
  if (parseArn(sourceStageArn)?.account !== call.scope.account) throw notFound(call, sourceStageArn);
  const matching = call.scope.replications
    .map((replication, index) => ({ replication, index }))
    .filter(
      ({ replication }) => replication.sourceStageArn === sourceStageArn && replication.participantId === participantId,
    );
  const list = `ListParticipantReplicas ${sourceStageArn} ${participantId}`;
  const { items, nextToken } = page(matching, ({ index }) => String(index), list, input);
  const replicas = items.map(({ replication }) => {
    const { reconnectWindowSeconds: _window, sourceLeftAt: _left, ...replica } = replication;
    return replica;
  });
  return { replicas, nextToken };
}

function notConnected(participantId: string, stageArn: string): ServiceError {
  return new ServiceError('ResourceNotFoundException', `participant ${participantId} is not on ${stageArn}`);
}
