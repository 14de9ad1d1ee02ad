import { type Call, conflict, find, invalid, newArn, quotaExceeded } from '../../state/call.ts';
import { page } from '../../state/pages.ts';
import type {
  CreateEncoderConfigurationRequest,
  CreateEncoderConfigurationResponse,
  DeleteEncoderConfigurationRequest,
  DeleteEncoderConfigurationResponse,
  DestinationConfiguration,
  GetEncoderConfigurationRequest,
  GetEncoderConfigurationResponse,
  ListEncoderConfigurationsRequest,
  ListEncoderConfigurationsResponse,
} from '../../realtime/types.ts';

/** The video format, when the input does not say (AWS docs): pixels, frames a second, bits a second. */
const DEFAULT_VIDEO = { width: 1280, height: 720, framerate: 30, bitrate: 2_500_000 };
const MAX_PIXELS = 1920 * 1080;
const DEFAULT_PAGE = 100;

export function createEncoderConfiguration(
  call: Call,
  input: CreateEncoderConfigurationRequest,
): CreateEncoderConfigurationResponse {
  const { encoderConfigurations } = call.scope;
  const limit = call.world.limits.encoderConfigurations;
  if (encoderConfigurations.size >= limit) throw quotaExceeded('encoder configurations', limit);
  const video = { ...DEFAULT_VIDEO, ...input.video };
  if (video.width % 2 || video.height % 2) throw invalid('video', 'must have an even width and height');
  if (video.width * video.height > MAX_PIXELS) throw invalid('video', `must have at most ${MAX_PIXELS} pixels`);
  const arn = newArn(call, 'encoder-configuration');
  const encoderConfiguration = { arn, name: input.name ?? '', video, tags: input.tags ?? {} };
  encoderConfigurations.set(arn, encoderConfiguration);
  return { encoderConfiguration };
}

export function getEncoderConfiguration(
  call: Call,
  input: GetEncoderConfigurationRequest,
): GetEncoderConfigurationResponse {
  return { encoderConfiguration: find(call, call.scope.encoderConfigurations, input.arn) };
}

export function listEncoderConfigurations(
  call: Call,
  input: ListEncoderConfigurationsRequest,
): ListEncoderConfigurationsResponse {
  const all = [...call.scope.encoderConfigurations.values()];
  const { items, nextToken } = page(all, ({ arn }) => arn, 'ListEncoderConfigurations', input, DEFAULT_PAGE);
  return { encoderConfigurations: items.map(({ arn, name, tags }) => ({ arn, name, tags })), nextToken };
}

export function deleteEncoderConfiguration(
  call: Call,
  input: DeleteEncoderConfigurationRequest,
): DeleteEncoderConfigurationResponse {
  find(call, call.scope.encoderConfigurations, input.arn);
  const inUse = [...call.scope.compositions.values()].some((composition) =>
    composition.destinations.some(({ configuration }) => encodersOf(configuration).includes(input.arn)),
  );
  if (inUse) throw conflict('a composition uses this encoder configuration', input.arn);
  call.scope.encoderConfigurations.delete(input.arn);
  return {};
}

/** The ARNs of the encoder configurations that a destination uses. */
export function encodersOf({ channel, s3 }: DestinationConfiguration): string[] {
  return [
    ...(channel?.encoderConfigurationArn ? [channel.encoderConfigurationArn] : []),
    ...(s3?.encoderConfigurationArns ?? []),
  ];
}
