import { idOf } from '../../arns.ts';
import { type Call, conflict, find, newArn, quotaExceeded } from '../../state/call.ts';
import { iso } from '../../clock.ts';
import { page } from '../../state/pages.ts';
import type { LoggingConfiguration } from '../../state/scope.ts';
import type {
  CreateLoggingConfigurationRequest,
  CreateLoggingConfigurationResponse,
  DeleteLoggingConfigurationRequest,
  GetLoggingConfigurationRequest,
  GetLoggingConfigurationResponse,
  ListLoggingConfigurationsRequest,
  ListLoggingConfigurationsResponse,
  UpdateLoggingConfigurationRequest,
  UpdateLoggingConfigurationResponse,
} from '../../chat/types.ts';

export function createLoggingConfiguration(
  call: Call,
  input: CreateLoggingConfigurationRequest,
): CreateLoggingConfigurationResponse {
  const { loggingConfigurations } = call.scope;
  const limit = call.world.limits.loggingConfigurations;
  if (loggingConfigurations.size >= limit) throw quotaExceeded('logging configurations', limit);
  const arn = newArn(call, 'logging-configuration');
  const configuration: LoggingConfiguration = {
    arn,
    id: idOf(arn),
    name: input.name ?? '',
    createTime: iso(call.now),
    updateTime: iso(call.now),
    destinationConfiguration: input.destinationConfiguration,
    state: 'ACTIVE',
    tags: input.tags ?? {},
  };
  loggingConfigurations.set(arn, configuration);
  return configuration;
}

export function getLoggingConfiguration(
  call: Call,
  input: GetLoggingConfigurationRequest,
): GetLoggingConfigurationResponse {
  return find(call, call.scope.loggingConfigurations, input.identifier);
}

export function listLoggingConfigurations(
  call: Call,
  input: ListLoggingConfigurationsRequest,
): ListLoggingConfigurationsResponse {
  const all = [...call.scope.loggingConfigurations.values()];
  const { items, nextToken } = page(all, ({ arn }) => arn, 'ListLoggingConfigurations', input);
  return { loggingConfigurations: items, nextToken };
}

export function updateLoggingConfiguration(
  call: Call,
  input: UpdateLoggingConfigurationRequest,
): UpdateLoggingConfigurationResponse {
  const configuration = find(call, call.scope.loggingConfigurations, input.identifier);
  const { name, destinationConfiguration } = input;
  if (name !== undefined) configuration.name = name;
  if (destinationConfiguration) configuration.destinationConfiguration = destinationConfiguration;
  configuration.updateTime = iso(call.now);
  return configuration;
}

/** Refuses to delete a logging configuration that a room uses. */
export function deleteLoggingConfiguration(
  call: Call,
  input: DeleteLoggingConfigurationRequest,
): Record<string, never> {
  const { arn } = find(call, call.scope.loggingConfigurations, input.identifier);
  const inUse = [...call.scope.rooms.values()].some((room) => room.loggingConfigurationIdentifiers?.includes(arn));
  if (inUse) throw conflict('a room uses this logging configuration', arn);
  call.scope.loggingConfigurations.delete(arn);
  return {};
}
