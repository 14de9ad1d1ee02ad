import { connectedStreams } from '../../stage/ingest.ts';
import { disconnect } from '../../stage/leave.ts';
import { attributesProblem } from '../../state/attributes.ts';
import { type Call, conflict, find, invalid, newArn, notFound, quotaExceeded } from '../../state/call.ts';
import { randomId } from '../../ids.ts';
import { page } from '../../state/pages.ts';
import type {
  CreateIngestConfigurationRequest,
  CreateIngestConfigurationResponse,
  DeleteIngestConfigurationRequest,
  DeleteIngestConfigurationResponse,
  GetIngestConfigurationRequest,
  GetIngestConfigurationResponse,
  IngestConfiguration,
  ListIngestConfigurationsRequest,
  ListIngestConfigurationsResponse,
  UpdateIngestConfigurationRequest,
  UpdateIngestConfigurationResponse,
} from '../../realtime/types.ts';

/**
 * Makes an ingest configuration. RTMP is not encrypted, so the input must set `insecureIngest` for it (service model).
 */
export function createIngestConfiguration(
  call: Call,
  input: CreateIngestConfigurationRequest,
): CreateIngestConfigurationResponse {
  const { ingestConfigurations } = call.scope;
  const { limits, switches } = call.world;
  if (input.ingestProtocol === 'RTMP' && !input.insecureIngest) {
    throw invalid('insecureIngest', 'must be true for RTMP');
  }
  const problem = attributesProblem(input.attributes, switches);
  if (problem) throw invalid('attributes', problem);
  requireStage(call, input.stageArn);
  const limit = limits.ingestConfigurations;
  if (ingestConfigurations.size >= limit) throw quotaExceeded('ingest configurations', limit);
  const arn = newArn(call, 'ingest-configuration');
  const ingestConfiguration: IngestConfiguration = {
    arn,
    name: input.name ?? '',
    ingestProtocol: input.ingestProtocol,
    stageArn: input.stageArn ?? '',
    state: 'INACTIVE',
    userId: input.userId ?? '',
    attributes: input.attributes ?? {},
    tags: input.tags ?? {},
    ...newCredentials(call, input.redundantIngest ?? false),
  };
  ingestConfigurations.set(arn, ingestConfiguration);
  return { ingestConfiguration };
}

/**
 * Makes one participant id with its stream key. Redundant ingest has two of them in a list, and the first one also
 * stands at the top of the configuration.
 */
function newCredentials(
  call: Call,
  redundantIngest: boolean,
): Pick<IngestConfiguration, 'participantId' | 'streamKey' | 'redundantIngest' | 'redundantIngestCredentials'> {
  const first = newCredential(call);
  if (!redundantIngest) return { ...first, redundantIngest };
  return { ...first, redundantIngest, redundantIngestCredentials: [first, newCredential(call)] };
}

function newCredential({ scope }: Call): { participantId: string; streamKey: string } {
  const streamKey = `rt_${scope.account}_${scope.region}_${randomId()}_${randomId(32)}`;
  return { participantId: randomId(), streamKey };
}

export function getIngestConfiguration(
  call: Call,
  input: GetIngestConfigurationRequest,
): GetIngestConfigurationResponse {
  return { ingestConfiguration: find(call, call.scope.ingestConfigurations, input.arn) };
}

export function listIngestConfigurations(
  call: Call,
  input: ListIngestConfigurationsRequest,
): ListIngestConfigurationsResponse {
  const { filterByStageArn, filterByState } = input;
  const matching = [...call.scope.ingestConfigurations.values()].filter(
    (ingest) =>
      (filterByStageArn === undefined || ingest.stageArn === filterByStageArn) &&
      (filterByState === undefined || ingest.state === filterByState),
  );
  const list = `ListIngestConfigurations ${filterByStageArn} ${filterByState}`;
  const { items, nextToken } = page(matching, ({ arn }) => arn, list, input);
  const ingestConfigurations = items.map(
    ({ name, arn, ingestProtocol, stageArn, participantId, state, userId, redundantIngest }) => ({
      name,
      arn,
      ingestProtocol,
      stageArn,
      participantId,
      state,
      userId,
      redundantIngest,
    }),
  );
  return { ingestConfigurations, nextToken };
}

/** Refuses to change a configuration that is ACTIVE (service model). */
export function updateIngestConfiguration(
  call: Call,
  input: UpdateIngestConfigurationRequest,
): UpdateIngestConfigurationResponse {
  const ingestConfiguration = find(call, call.scope.ingestConfigurations, input.arn);
  if (ingestConfiguration.state === 'ACTIVE') throw conflict('the ingest configuration is in use', input.arn);
  requireStage(call, input.stageArn);
  if (input.stageArn !== undefined) ingestConfiguration.stageArn = input.stageArn;
  const { redundantIngest } = input;
  if (redundantIngest !== undefined && redundantIngest !== ingestConfiguration.redundantIngest) {
    delete ingestConfiguration.redundantIngestCredentials;
    Object.assign(ingestConfiguration, newCredentials(call, redundantIngest));
  }
  return { ingestConfiguration };
}

/** Deletes an ACTIVE configuration only with `force`, and disconnects its participants (service model). */
export function deleteIngestConfiguration(
  call: Call,
  input: DeleteIngestConfigurationRequest,
): DeleteIngestConfigurationResponse {
  const { scope, world } = call;
  const ingest = find(call, scope.ingestConfigurations, input.arn);
  if (ingest.state === 'ACTIVE' && !input.force) throw conflict('the ingest configuration is in use', input.arn);
  for (const presence of connectedStreams(scope, ingest)) disconnect(world, presence, 'participant-disconnected');
  scope.ingestConfigurations.delete(input.arn);
  return {};
}

function requireStage(call: Call, stageArn: string | undefined): void {
  if (stageArn && !call.scope.stages.has(stageArn)) throw notFound(call, stageArn);
}
