import { type Call, conflict, find, newArn, quotaExceeded } from '../../state/call.ts';
import { page } from '../../state/pages.ts';
import type {
  CreateStorageConfigurationRequest,
  CreateStorageConfigurationResponse,
  DeleteStorageConfigurationRequest,
  DeleteStorageConfigurationResponse,
  GetStorageConfigurationRequest,
  GetStorageConfigurationResponse,
  ListStorageConfigurationsRequest,
  ListStorageConfigurationsResponse,
} from '../../realtime/types.ts';

/**
 * AWS requires that the bucket exists in the same Region. The emulator has no buckets, so it accepts every name of the
 * right form.
 */
export function createStorageConfiguration(
  call: Call,
  input: CreateStorageConfigurationRequest,
): CreateStorageConfigurationResponse {
  const { storageConfigurations } = call.scope;
  const limit = call.world.limits.storageConfigurations;
  if (storageConfigurations.size >= limit) throw quotaExceeded('storage configurations', limit);
  const arn = newArn(call, 'storage-configuration');
  const storageConfiguration = { arn, name: input.name ?? '', s3: input.s3, tags: input.tags ?? {} };
  storageConfigurations.set(arn, storageConfiguration);
  return { storageConfiguration };
}

export function getStorageConfiguration(
  call: Call,
  input: GetStorageConfigurationRequest,
): GetStorageConfigurationResponse {
  return { storageConfiguration: find(call, call.scope.storageConfigurations, input.arn) };
}

export function listStorageConfigurations(
  call: Call,
  input: ListStorageConfigurationsRequest,
): ListStorageConfigurationsResponse {
  const all = [...call.scope.storageConfigurations.values()];
  const { items, nextToken } = page(all, ({ arn }) => arn, 'ListStorageConfigurations', input);
  return { storageConfigurations: items, nextToken };
}

export function deleteStorageConfiguration(
  call: Call,
  input: DeleteStorageConfigurationRequest,
): DeleteStorageConfigurationResponse {
  const { arn } = find(call, call.scope.storageConfigurations, input.arn);
  const { compositions, stages } = call.scope;
  const composed = [...compositions.values()].some((composition) =>
    composition.destinations.some(({ configuration }) => configuration.s3?.storageConfigurationArn === arn),
  );
  const recorded = [...stages.values()].some(
    (stage) => stage.autoParticipantRecordingConfiguration?.storageConfigurationArn === arn,
  );
  if (composed || recorded) throw conflict('a stage or a composition uses this storage configuration', arn);
  call.scope.storageConfigurations.delete(arn);
  return {};
}
