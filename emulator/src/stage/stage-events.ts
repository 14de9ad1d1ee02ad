import type { Composition } from '../realtime/types.ts';
import type { Presence, Scope } from '../state/scope.ts';
import type { World } from '../state/world.ts';
import { wholeSeconds } from '../eventbridge/envelope.ts';

/**
 * The event names of `IVS Stage Update` (AWS docs). The names for replication are taken from translated pages of the
 * docs.
 */
export type StageUpdate =
  | 'Participant Published'
  | 'Participant Unpublished'
  | 'Participant Publish Error'
  | 'Participant Replication Started'
  | 'Participant Replication Stopped';

/**
 * Sends an event about a participant. IVS sends none for a join, for a leave without publishing and for
 * DisconnectParticipant (AWS docs).
 */
export function emitStageUpdate(world: World, presence: Presence, name: StageUpdate, errorCode?: string): void {
  const { scope, stage, participant } = presence;
  world.events.emit(scope, 'IVS Stage Update', stage.arn, {
    session_id: stage.activeSessionId ?? '',
    event_name: name,
    event_time: wholeSeconds(world.clock.now()),
    user_id: participant.participant.userId ?? '',
    participant_id: participant.participant.participantId,
    ...(errorCode !== undefined && { error_code: errorCode }),
  });
}

/** Sends an event about the recording of one participant. */
export function emitRecording(
  world: World,
  session: { scope: Scope; stageArn: string; sessionId: string },
  view: Presence['participant']['participant'],
  name: 'Recording Start' | 'Recording End',
): void {
  world.events.emit(session.scope, 'IVS Participant Recording State Change', session.stageArn, {
    session_id: session.sessionId,
    event_name: name,
    participant_id: view.participantId,
    recording_s3_bucket_name: view.recordingS3BucketName ?? '',
    recording_s3_key_prefix: view.recordingS3Prefix ?? '',
  });
}

/**
 * Sends the events for the start or the end of a composition and of all its destinations. At the end, the destinations
 * come before the session (AWS docs).
 */
export function emitComposition(world: World, scope: Scope, composition: Composition, name: 'Start' | 'End'): void {
  const emit = (event: string, extra: Record<string, string> = {}) =>
    world.events.emit(scope, 'IVS Composition State Change', composition.arn, {
      event_name: event,
      stage_arn: composition.stageArn,
      ...extra,
    });
  if (name === 'Start') emit('Session Start');
  for (const destination of composition.destinations) {
    if (destination.startTime !== undefined) emit(`Destination ${name}`, { id: destination.id });
  }
  if (name === 'End') emit('Session End');
}
