import type { Composition } from '../realtime/types.ts';
import type { Presence, Scope } from '../state/scope.ts';
import type { World } from '../state/world.ts';
import { wholeSeconds } from '../eventbridge/envelope.ts';

/** Names of `IVS Stage Update` (AWS docs; those of replication are a reading of its translated pages). */
export type StageUpdate =
  | 'Participant Published'
  | 'Participant Unpublished'
  | 'Participant Publish Error'
  | 'Participant Replication Started'
  | 'Participant Replication Stopped';

/** Tells of a participant. There is no event for one who joins or leaves without publishing, nor for a kick (AWS docs). */
export function tellStageUpdate(world: World, on: Presence, name: StageUpdate, errorCode?: string): void {
  const { scope, stage, participant } = on;
  world.events.emit(scope, 'IVS Stage Update', stage.arn, {
    session_id: stage.activeSessionId ?? '',
    event_name: name,
    event_time: wholeSeconds(world.clock.now()),
    user_id: participant.participant.userId ?? '',
    participant_id: participant.participant.participantId,
    ...(errorCode !== undefined && { error_code: errorCode }),
  });
}

/** Tells of the recording of one participant. */
export function tellRecording(
  world: World,
  where: { scope: Scope; stageArn: string; sessionId: string },
  view: Presence['participant']['participant'],
  name: 'Recording Start' | 'Recording End',
): void {
  world.events.emit(where.scope, 'IVS Participant Recording State Change', where.stageArn, {
    session_id: where.sessionId,
    event_name: name,
    participant_id: view.participantId,
    recording_s3_bucket_name: view.recordingS3BucketName ?? '',
    recording_s3_key_prefix: view.recordingS3Prefix ?? '',
  });
}

/** Tells that a composition has started with all its destinations, or ended with them: destinations end first (AWS docs). */
export function tellComposition(world: World, scope: Scope, composition: Composition, name: 'Start' | 'End'): void {
  const tell = (event: string, extra: Record<string, string> = {}) =>
    world.events.emit(scope, 'IVS Composition State Change', composition.arn, {
      event_name: event,
      stage_arn: composition.stageArn,
      ...extra,
    });
  if (name === 'Start') tell('Session Start');
  for (const destination of composition.destinations) {
    if (destination.startTime !== undefined) tell(`Destination ${name}`, { id: destination.id });
  }
  if (name === 'End') tell('Session End');
}
