import { endStage } from '../../stage/leave.ts';
import { type Call, conflict, find, newArn, notFound, quotaExceeded } from '../../state/call.ts';
import { idOf } from '../../arns.ts';
import { page } from '../../state/pages.ts';
import { createHash } from 'node:crypto';
import { mintToken } from './participant-tokens.ts';
import type {
  AutoParticipantRecordingConfiguration,
  CreateStageRequest,
  CreateStageResponse,
  DeleteStageRequest,
  DeleteStageResponse,
  GetStageRequest,
  GetStageResponse,
  ListStagesRequest,
  ListStagesResponse,
  Stage,
  StageEndpoints,
  UpdateStageRequest,
  UpdateStageResponse,
} from '../../realtime/types.ts';

export function createStage(call: Call, input: CreateStageRequest): CreateStageResponse {
  const { stages, stageLives } = call.scope;
  const { limits } = call.world;
  if (stages.size >= limits.stages) throw quotaExceeded('stages', limits.stages);
  const arn = newArn(call, 'stage');
  const stage: Stage = {
    arn,
    name: input.name ?? '',
    tags: input.tags ?? {},
    autoParticipantRecordingConfiguration: recordingOf(call, input.autoParticipantRecordingConfiguration),
    endpoints: endpointsOf(arn),
  };
  const participantTokens = (input.participantTokenConfigurations ?? []).map((configuration, index) =>
    mintToken(call, stage, configuration, `participantTokenConfigurations[${index}].`),
  );
  stages.set(arn, stage);
  stageLives.set(arn, { sessions: [], kicked: new Map(), replaced: new Set() });
  return { stage, ...(input.participantTokenConfigurations && { participantTokens }) };
}

export function getStage(call: Call, input: GetStageRequest): GetStageResponse {
  return { stage: find(call, call.scope.stages, input.arn) };
}

export function listStages(call: Call, input: ListStagesRequest): ListStagesResponse {
  const { items, nextToken } = page([...call.scope.stages.values()], (stage) => stage.arn, 'ListStages', input);
  const stages = items.map(({ arn, name, activeSessionId, tags }) => ({ arn, name, activeSessionId, tags }));
  return { stages, nextToken };
}

export function updateStage(call: Call, input: UpdateStageRequest): UpdateStageResponse {
  const stage = find(call, call.scope.stages, input.arn);
  const { autoParticipantRecordingConfiguration: recording } = input;
  if (stage.activeSessionId && recording) {
    throw conflict('the recording configuration cannot change while a session is active', stage.arn);
  }
  if (recording) stage.autoParticipantRecordingConfiguration = recordingOf(call, recording);
  if (input.name !== undefined) stage.name = input.name;
  return { stage };
}

/**
 * Deletes a stage and disconnects everybody on it (AWS docs). Ingest configurations of the stage lose it. The service
 * model says so only for those that publish at this time. For the others it says nothing, and a configuration that named
 * a stage that does not exist could not be used either.
 */
export function deleteStage(call: Call, input: DeleteStageRequest): DeleteStageResponse {
  const stage = find(call, call.scope.stages, input.arn);
  endStage(call.world, call.scope, stage);
  for (const ingest of call.scope.ingestConfigurations.values()) {
    if (ingest.stageArn === stage.arn) ingest.stageArn = '';
  }
  call.scope.stages.delete(stage.arn);
  call.scope.stageLives.delete(stage.arn);
  return {};
}

/**
 * Reads the recording configuration from an input. An empty ARN of a storage configuration turns recording off. Members
 * that the input leaves out have the defaults of the service model. A stage without recording has all of them too (AWS
 * CLI reference, `get-stage`).
 *
 * @throws ServiceError when the storage configuration does not exist.
 */
function recordingOf(
  call: Call,
  wanted: AutoParticipantRecordingConfiguration | undefined,
): AutoParticipantRecordingConfiguration {
  const arn = wanted?.storageConfigurationArn ?? '';
  if (arn !== '' && !call.scope.storageConfigurations.has(arn)) throw notFound(call, arn);
  // Without a storage configuration, the other members are ignored (service model).
  const { thumbnailConfiguration, hlsConfiguration, ...others } = arn === '' ? {} : (wanted ?? {});
  return {
    mediaTypes: ['AUDIO_VIDEO'],
    recordingReconnectWindowSeconds: 0,
    recordParticipantReplicas: true,
    ...others,
    storageConfigurationArn: arn,
    thumbnailConfiguration: {
      targetIntervalSeconds: 60,
      storage: ['SEQUENTIAL'],
      recordingMode: 'DISABLED',
      ...thumbnailConfiguration,
    },
    hlsConfiguration: { targetSegmentDurationSeconds: 6, ...hlsConfiguration },
  };
}

/**
 * Endpoints of the same form as AWS's. Their domain can never resolve, so that a client that uses them by mistake sends
 * nothing to anybody.
 */
function endpointsOf(arn: string): StageEndpoints {
  const host = createHash('sha256').update(idOf(arn)).digest('hex').slice(0, 12);
  return {
    events: 'wss://global.events.ivs-emulator.invalid',
    whip: `https://${host}.global-bm.whip.ivs-emulator.invalid`,
    rtmp: `rtmp://${host}.global-contribute.ivs-emulator.invalid:1935/app/`,
    rtmps: `rtmps://${host}.global-contribute.ivs-emulator.invalid:443/app/`,
  };
}
