import { emitRecording, emitStageUpdate } from './stage-events.ts';
import { idOf } from '../arns.ts';
import type { ScheduledChange } from '../state/schedule.ts';
import type { ParticipantLife, Presence, Scope } from '../state/scope.ts';
import type { World } from '../state/world.ts';
import { StageRefusal } from './refusal.ts';
import { activeSession, connectedAs, connectedIn, record } from './session.ts';

/** How long a recording takes to start. AWS gives no figure. A second is enough to see that it takes time. */
const RECORDING_START_MS = 1000;

/**
 * Starts sending media.
 *
 * @throws StageRefusal when the token does not allow it, or the stage has its most publishers (AWS docs: twelve).
 */
export function publish(world: World, presence: Presence): void {
  const { scope, stage, participant } = presence;
  const now = world.clock.now();
  if (participant.publishing) return;
  if (!participant.capabilities.publish) {
    record(participant, now, { name: 'PUBLISH_ERROR', errorCode: 'INSUFFICIENT_CAPABILITIES' });
    emitStageUpdate(world, presence, 'Participant Publish Error', 'INSUFFICIENT_CAPABILITIES');
    throw new StageRefusal('INSUFFICIENT_CAPABILITIES', 'the token does not allow to publish');
  }
  const publishers = connectedIn(activeSession(scope.stageLives.get(stage.arn))).filter((life) => life.publishing);
  if (publishers.length >= world.limits.publishersPerStage) {
    record(participant, now, { name: 'PUBLISH_ERROR', errorCode: 'QUOTA_EXCEEDED' });
    emitStageUpdate(world, presence, 'Participant Publish Error', 'QUOTA_EXCEEDED');
    throw new StageRefusal('QUOTA_EXCEEDED', `${world.limits.publishersPerStage} participants publish already`);
  }
  participant.publishing = true;
  participant.participant.published = true;
  record(participant, now, { name: 'PUBLISH_STARTED' });
  emitStageUpdate(world, presence, 'Participant Published');
  startRecording(world, presence);
}

/**
 * Mutes what is sent, or unmutes it.
 *
 * @throws StageRefusal when no media is sent.
 */
export function mute({ participant }: Presence, muted: boolean): void {
  if (!participant.publishing) {
    throw new StageRefusal('PUBLISHER_NOT_FOUND', `${participant.participant.participantId} does not publish`);
  }
  participant.muted = muted;
}

/** Stops sending media. It does nothing when no media is sent. */
export function unpublish(world: World, presence: Presence): void {
  const { participant } = presence;
  if (!participant.publishing) return;
  participant.publishing = false;
  participant.muted = false;
  record(participant, world.clock.now(), { name: 'PUBLISH_STOPPED' });
  emitStageUpdate(world, presence, 'Participant Unpublished');
  stopRecording(world, presence);
}

/**
 * Starts to receive the media of another participant.
 *
 * @throws StageRefusal when the token does not allow it, or the other participant does not publish.
 */
export function subscribe(world: World, { scope, stage, participant }: Presence, remoteId: string): void {
  const now = world.clock.now();
  const refuse = (errorCode: 'INSUFFICIENT_CAPABILITIES' | 'PUBLISHER_NOT_FOUND', message: string) => {
    record(participant, now, { name: 'SUBSCRIBE_ERROR', remoteParticipantId: remoteId, errorCode });
    return new StageRefusal(errorCode, message);
  };
  if (!participant.capabilities.subscribe) {
    throw refuse('INSUFFICIENT_CAPABILITIES', 'the token does not allow to subscribe');
  }
  if (!connectedAs(scope, stage.arn, remoteId)?.participant.publishing) {
    throw refuse('PUBLISHER_NOT_FOUND', `${remoteId} does not publish`);
  }
  record(participant, now, { name: 'SUBSCRIBE_STARTED', remoteParticipantId: remoteId });
}

export function unsubscribe(world: World, { participant }: Presence, remoteId: string): void {
  record(participant, world.clock.now(), { name: 'SUBSCRIBE_STOPPED', remoteParticipantId: remoteId });
}

/** Recordings go to `<stage>/<session>/<participant>/<time>` in the bucket of the storage configuration (AWS docs). */
function startRecording(world: World, { scope, stage, participant }: Presence): void {
  const configuration = stage.autoParticipantRecordingConfiguration;
  const storage = scope.storageConfigurations.get(configuration?.storageConfigurationArn ?? '');
  if (!storage || configuration?.mediaTypes?.includes('NONE')) return;
  if (participant.mint === 'replica' && configuration?.recordParticipantReplicas === false) return;
  const view = participant.participant;
  if (view.recordingState === 'STOPPING') {
    // The participant is back within the reconnect window. The same recording goes on.
    world.schedule.cancel('recording-ends', stage.arn, view.participantId);
    view.recordingState = 'ACTIVE';
    return;
  }
  const now = world.clock.now();
  const time = new Date(now).toISOString().slice(0, 19).replaceAll(':', '-');
  view.recordingS3BucketName = storage.s3?.bucketName ?? '';
  view.recordingS3Prefix = `${idOf(stage.arn)}/${stage.activeSessionId}/${view.participantId}/${time}`;
  view.recordingState = 'STARTING';
  world.schedule.add(recordingChange('recording-starts', scope, stage.arn, participant, now + RECORDING_START_MS));
}

function stopRecording(world: World, { scope, stage, participant }: Presence): void {
  const view = participant.participant;
  if (view.recordingState !== 'STARTING' && view.recordingState !== 'ACTIVE') return;
  view.recordingState = 'STOPPING';
  world.schedule.cancel('recording-starts', stage.arn, view.participantId);
  const windowSeconds = stage.autoParticipantRecordingConfiguration?.recordingReconnectWindowSeconds ?? 0;
  world.schedule.add(
    recordingChange('recording-ends', scope, stage.arn, participant, world.clock.now() + windowSeconds * 1000),
  );
}

function recordingChange(
  what: ScheduledChange['what'],
  scope: Scope,
  arn: string,
  participant: ParticipantLife,
  at: number,
): ScheduledChange {
  const { account, region } = scope;
  return { at, what, account, region, arn, participantId: participant.participant.participantId };
}

/** Changes the state of a recording from STARTING to ACTIVE, or from STOPPING to STOPPED. */
export function advanceRecording(world: World, scope: Scope, change: ScheduledChange): void {
  const isStart = change.what === 'recording-starts';
  const sessions = scope.stageLives.get(change.arn)?.sessions ?? [];
  const [from, to] = isStart ? (['STARTING', 'ACTIVE'] as const) : (['STOPPING', 'STOPPED'] as const);
  for (const session of sessions) {
    const view = session.participants.get(change.participantId ?? '')?.participant;
    if (view?.recordingState !== from) continue;
    view.recordingState = to;
    const recorded = { scope, stageArn: change.arn, sessionId: session.sessionId };
    emitRecording(world, recorded, view, isStart ? 'Recording Start' : 'Recording End');
  }
}
