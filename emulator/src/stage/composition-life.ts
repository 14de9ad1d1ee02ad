import { tellComposition } from './stage-events.ts';
import type { Composition, CompositionState } from '../realtime/types.ts';
import { iso } from '../clock.ts';
import type { Scope } from '../state/scope.ts';
import type { World } from '../state/world.ts';

/** How long a composition takes to start and to stop. AWS gives no figure; a second shows that it is not at once. */
const TRANSITION_MS = 1000;
/** A composition ends by itself a minute after its stage empties, or if the stage is empty at its start (service model). */
const IDLE_MS = 60_000;
/** No composition lasts longer (AWS docs, service quotas). */
const LONGEST_MS = 24 * 3600_000;

/** Whether a composition still goes on, or is about to. */
export function isRunning(composition: Composition): boolean {
  return composition.state === 'STARTING' || composition.state === 'ACTIVE' || composition.state === 'STOPPING';
}

/** Sets a new composition going. */
export function beginComposition(world: World, scope: Scope, composition: Composition): void {
  const now = world.clock.now();
  due(world, scope, 'composition-starts', composition.arn, now + TRANSITION_MS);
  due(world, scope, 'composition-stops', composition.arn, now + LONGEST_MS);
  if (!scope.stages.get(composition.stageArn)?.activeSessionId) {
    due(world, scope, 'composition-idles', composition.arn, now + IDLE_MS);
  }
}

export function startComposition(world: World, scope: Scope, arn: string, now: number): void {
  const composition = scope.compositions.get(arn);
  if (composition?.state !== 'STARTING') return;
  composition.startTime = iso(now);
  setState(composition, 'ACTIVE');
  for (const destination of composition.destinations) destination.startTime = iso(now);
  tellComposition(world, scope, composition, 'Start');
}

/** Begins the end of a composition, as StopComposition does, or because it idled or ran its 24 hours. */
export function stopComposition(world: World, scope: Scope, arn: string, now: number): void {
  const composition = scope.compositions.get(arn);
  if (!composition || !isRunning(composition) || composition.state === 'STOPPING') return;
  setState(composition, 'STOPPING');
  cancel(world, arn);
  due(world, scope, 'composition-ends', arn, now + TRANSITION_MS);
}

export function endComposition(world: World, scope: Scope, arn: string, now: number): void {
  const composition = scope.compositions.get(arn);
  if (!composition || !isRunning(composition)) return;
  setState(composition, 'STOPPED');
  composition.endTime = iso(now);
  for (const destination of composition.destinations) destination.endTime = iso(now);
  tellComposition(world, scope, composition, 'End');
  cancel(world, arn);
}

/** Nobody is on the stage any more: what composes it ends in a minute, unless somebody comes. */
export function stageEmptied(world: World, scope: Scope, stageArn: string): void {
  for (const composition of scope.compositions.values()) {
    if (composition.stageArn !== stageArn || !isRunning(composition)) continue;
    due(world, scope, 'composition-idles', composition.arn, world.clock.now() + IDLE_MS);
  }
}

/** Somebody is on the stage again. */
export function stageFilled(world: World, scope: Scope, stageArn: string): void {
  for (const composition of scope.compositions.values()) {
    if (composition.stageArn === stageArn) world.schedule.cancel('composition-idles', composition.arn);
  }
}

/** The stage is gone, and what composes it. */
export function stageDeleted(world: World, scope: Scope, stageArn: string): void {
  for (const composition of scope.compositions.values()) {
    if (composition.stageArn === stageArn) endComposition(world, scope, composition.arn, world.clock.now());
  }
}

function setState(composition: Composition, state: CompositionState): void {
  composition.state = state;
  for (const destination of composition.destinations) destination.state = state;
}

type CompositionDue = 'composition-starts' | 'composition-idles' | 'composition-stops' | 'composition-ends';

function due(world: World, scope: Scope, what: CompositionDue, arn: string, at: number): void {
  world.schedule.add({ at, what, account: scope.account, region: scope.region, arn });
}

function cancel(world: World, arn: string): void {
  for (const what of ['composition-starts', 'composition-idles', 'composition-stops', 'composition-ends'] as const) {
    world.schedule.cancel(what, arn);
  }
}
