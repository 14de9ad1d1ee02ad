import { isDeepStrictEqual } from 'node:util';
import { scheduleComposition, stopComposition as stop } from '../../stage/composition-life.ts';
import { idOf } from '../../arns.ts';
import { type Call, conflict, find, invalid, newArn, quotaExceeded } from '../../state/call.ts';
import { iso } from '../../clock.ts';
import { randomId } from '../../ids.ts';
import { page } from '../../state/pages.ts';
import { encodersOf } from './encoder-configurations.ts';
import type {
  Composition,
  CompositionSummary,
  CompositionThumbnailConfiguration,
  Destination,
  DestinationConfiguration,
  GetCompositionRequest,
  GetCompositionResponse,
  GridConfiguration,
  LayoutConfiguration,
  ListCompositionsRequest,
  ListCompositionsResponse,
  PipConfiguration,
  StartCompositionRequest,
  StartCompositionResponse,
  StopCompositionRequest,
  StopCompositionResponse,
} from '../../realtime/types.ts';

/** What a grid has when the input does not say (service model). */
const GRID_DEFAULTS: GridConfiguration = {
  featuredParticipantAttribute: '',
  omitStoppedVideo: false,
  videoAspectRatio: 'VIDEO',
  videoFillMode: 'COVER',
  gridGap: 2,
  participantOrderAttribute: '',
};
/**
 * What a picture-in-picture layout has when the input does not say (service model). `pipWidth` and `pipHeight` have no
 * default: they depend on the size of the composition.
 */
const PIP_DEFAULTS: PipConfiguration = {
  featuredParticipantAttribute: '',
  omitStoppedVideo: false,
  videoFillMode: 'COVER',
  gridGap: 0,
  pipParticipantAttribute: '',
  pipBehavior: 'STATIC',
  pipOffset: 0,
  pipPosition: 'BOTTOM_RIGHT',
  participantOrderAttribute: '',
};
const DEFAULT_PAGE = 100;

/**
 * Starts a composition. A repeated call with the same idempotency token and input answers the composition of the first
 * call.
 */
export function startComposition(call: Call, input: StartCompositionRequest): StartCompositionResponse {
  const { scope, world } = call;
  const { idempotencyToken, ...start } = input;
  const earlier = idempotencyToken === undefined ? undefined : scope.compositionStarts.get(idempotencyToken);
  if (earlier) {
    if (!isDeepStrictEqual(earlier.wish, start))
      throw conflict('the idempotency token was used for another start', earlier.arn);
    return { composition: find(call, scope.compositions, earlier.arn) };
  }
  find(call, scope.stages, input.stageArn);
  for (const [index, destination] of input.destinations.entries()) requireDestination(call, destination, index);
  requireOneOfEachKind(input.destinations);
  requireQuotaLeft(call, input.stageArn);
  const composition: Composition = {
    arn: newArn(call, 'composition'),
    stageArn: input.stageArn,
    state: 'STARTING',
    layout: layoutOf(input.layout),
    destinations: [],
    tags: input.tags ?? {},
    // AWS answers it while the composition is STARTING. The destinations get theirs later (AWS CLI reference,
    // `start-composition` and `get-composition`).
    startTime: iso(call.now),
  };
  composition.destinations = input.destinations.map((configuration) => newDestination(composition, configuration));
  scope.compositions.set(composition.arn, composition);
  if (idempotencyToken) scope.compositionStarts.set(idempotencyToken, { arn: composition.arn, wish: start });
  scheduleComposition(world, scope, composition);
  return { composition };
}

/** The layout with all defaults. Without a layout, it is a grid (service model). */
function layoutOf({ grid, pip }: LayoutConfiguration = {}): LayoutConfiguration {
  if (!grid && !pip) return { grid: GRID_DEFAULTS };
  return { ...(grid && { grid: { ...GRID_DEFAULTS, ...grid } }), ...(pip && { pip: { ...PIP_DEFAULTS, ...pip } }) };
}

/** A composition has one destination, or two: one channel and one storage configuration (service model). */
function requireOneOfEachKind(destinations: DestinationConfiguration[]): void {
  for (const kind of ['channel', 's3'] as const) {
    if (destinations.filter((destination) => destination[kind]).length > 1) {
      throw invalid('destinations', `must have at most one ${kind}`);
    }
  }
}

function requireDestination(call: Call, destination: DestinationConfiguration, index: number): void {
  const { channel, s3 } = destination;
  if (!channel === !s3) throw invalid(`destinations[${index}]`, 'must have either channel or s3');
  for (const arn of encodersOf(destination)) find(call, call.scope.encoderConfigurations, arn);
  if (s3) find(call, call.scope.storageConfigurations, s3.storageConfigurationArn);
}

function requireQuotaLeft(call: Call, stageArn: string): void {
  const { limits } = call.world;
  const running = [...call.scope.compositions.values()];
  if (running.length >= limits.compositions) throw quotaExceeded('compositions', limits.compositions);
  const ofStage = running.filter((composition) => composition.stageArn === stageArn);
  if (ofStage.length >= limits.compositionsPerStage) {
    throw quotaExceeded('compositions of a stage', limits.compositionsPerStage);
  }
}

function newDestination(composition: Composition, configuration: DestinationConfiguration): Destination {
  const id = randomId();
  const recordingPrefix = `${idOf(composition.stageArn)}/${idOf(composition.arn)}/${id}/composite`;
  return {
    id,
    state: 'STARTING',
    configuration: withDefaults(configuration),
    ...(configuration.s3 && { detail: { s3: { recordingPrefix } } }),
  };
}

/** The configuration of a destination as AWS answers it (AWS CLI reference, `start-composition`; service model). */
function withDefaults({ name = '', channel, s3 }: DestinationConfiguration): DestinationConfiguration {
  if (!s3) return { name, ...(channel && { channel }) };
  const { recordingConfiguration: recording, thumbnailConfigurations: thumbnails } = s3;
  const hlsConfiguration = recording?.hlsConfiguration && {
    targetSegmentDurationSeconds: 2,
    ...recording.hlsConfiguration,
  };
  return {
    name,
    s3: {
      ...s3,
      recordingConfiguration: { format: 'HLS', ...recording, ...(hlsConfiguration && { hlsConfiguration }) },
      ...(thumbnails && { thumbnailConfigurations: thumbnails.map(withThumbnailDefaults) }),
    },
  };
}

function withThumbnailDefaults(configured: CompositionThumbnailConfiguration): CompositionThumbnailConfiguration {
  return { targetIntervalSeconds: 60, storage: ['SEQUENTIAL'], ...configured };
}

export function getComposition(call: Call, input: GetCompositionRequest): GetCompositionResponse {
  return { composition: find(call, call.scope.compositions, input.arn) };
}

export function listCompositions(call: Call, input: ListCompositionsRequest): ListCompositionsResponse {
  const { filterByStageArn: stageArn, filterByEncoderConfigurationArn: encoder } = input;
  const matching = [...call.scope.compositions.values()].filter(
    (composition) =>
      (stageArn === undefined || composition.stageArn === stageArn) &&
      (encoder === undefined ||
        composition.destinations.some(({ configuration }) => encodersOf(configuration).includes(encoder))),
  );
  const list = `ListCompositions ${stageArn} ${encoder}`;
  const { items, nextToken } = page(matching, ({ arn }) => arn, list, input, DEFAULT_PAGE);
  return { compositions: items.map(summaryOf), nextToken };
}

function summaryOf({ arn, stageArn, state, destinations, tags, startTime, endTime }: Composition): CompositionSummary {
  const summaries = destinations.map(({ id, state, startTime, endTime }) => ({ id, state, startTime, endTime }));
  return { arn, stageArn, state, destinations: summaries, tags, startTime, endTime };
}

/** Stops a composition, which deletes it (service model). */
export function stopComposition(call: Call, input: StopCompositionRequest): StopCompositionResponse {
  const composition = find(call, call.scope.compositions, input.arn);
  stop(call.world, call.scope, composition.arn, call.now);
  return {};
}
