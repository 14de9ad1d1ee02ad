import { isDeepStrictEqual } from 'node:util';
import { scheduleComposition, isRunning, stopComposition as stop } from '../../stage/composition-life.ts';
import { idOf } from '../../arns.ts';
import { type Call, conflict, find, invalid, newArn, quotaExceeded } from '../../state/call.ts';
import { randomId } from '../../ids.ts';
import { page } from '../../state/pages.ts';
import { encodersOf } from './encoder-configurations.ts';
import type {
  Composition,
  CompositionSummary,
  Destination,
  DestinationConfiguration,
  GetCompositionRequest,
  GetCompositionResponse,
  LayoutConfiguration,
  ListCompositionsRequest,
  ListCompositionsResponse,
  StartCompositionRequest,
  StartCompositionResponse,
  StopCompositionRequest,
  StopCompositionResponse,
} from '../../realtime/types.ts';

/** The layout of a composition, when the input has none (service model). */
const DEFAULT_LAYOUT: LayoutConfiguration = {
  grid: {
    featuredParticipantAttribute: '',
    omitStoppedVideo: false,
    videoAspectRatio: 'VIDEO',
    videoFillMode: 'COVER',
    gridGap: 2,
    participantOrderAttribute: '',
  },
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
  requireQuotaLeft(call, input.stageArn);
  const composition: Composition = {
    arn: newArn(call, 'composition'),
    stageArn: input.stageArn,
    state: 'STARTING',
    layout: input.layout ?? DEFAULT_LAYOUT,
    destinations: [],
    tags: input.tags ?? {},
  };
  composition.destinations = input.destinations.map((configuration) => newDestination(composition, configuration));
  scope.compositions.set(composition.arn, composition);
  if (idempotencyToken) scope.compositionStarts.set(idempotencyToken, { arn: composition.arn, wish: start });
  scheduleComposition(world, scope, composition);
  return { composition };
}

function requireDestination(call: Call, destination: DestinationConfiguration, index: number): void {
  const { channel, s3 } = destination;
  if (!channel === !s3) throw invalid(`destinations[${index}]`, 'must have either channel or s3');
  for (const arn of encodersOf(destination)) find(call, call.scope.encoderConfigurations, arn);
  if (s3) find(call, call.scope.storageConfigurations, s3.storageConfigurationArn);
}

function requireQuotaLeft(call: Call, stageArn: string): void {
  const { limits } = call.world;
  const running = [...call.scope.compositions.values()].filter(isRunning);
  if (running.length >= limits.compositions) throw quotaExceeded('compositions', limits.compositions);
  const ofStage = running.filter((composition) => composition.stageArn === stageArn);
  if (ofStage.length >= limits.compositionsPerStage) {
    throw quotaExceeded('compositions of a stage', limits.compositionsPerStage);
  }
}

function newDestination(composition: Composition, configuration: DestinationConfiguration): Destination {
  const id = randomId();
  const recordingPrefix = `${idOf(composition.stageArn)}/${idOf(composition.arn)}/${id}/composite`;
  return { id, state: 'STARTING', configuration, ...(configuration.s3 && { detail: { s3: { recordingPrefix } } }) };
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

export function stopComposition(call: Call, input: StopCompositionRequest): StopCompositionResponse {
  const composition = find(call, call.scope.compositions, input.arn);
  if (!isRunning(composition)) throw conflict('the composition has ended', composition.arn);
  stop(call.world, call.scope, composition.arn, call.now);
  return {};
}
