import { emitComposition } from './stage-events.ts';
import type { Composition, CompositionState } from '../realtime/types.ts';
import { iso } from '../clock.ts';
import type { Scope } from '../state/scope.ts';
import type { World } from '../state/world.ts';

/**
 * How long a composition takes to start and to stop. AWS gives no figure. A second is enough to see that it takes time.
 */
const TRANSITION_MS = 1000;
/** A composition stops when its stage has been empty for a minute (service model). */
const IDLE_MS = 60_000;
/** The longest time that a composition runs (AWS docs, service quotas). */
const MAX_DURATION_MS = 24 * 3600_000;

/** Schedules the start and the end of a new composition. */
export function scheduleComposition(world: World, scope: Scope, composition: Composition): void {
  const now = world.clock.now();
  scheduleChange(world, scope, 'composition-starts', composition.arn, now + TRANSITION_MS);
  scheduleChange(world, scope, 'composition-stops', composition.arn, now + MAX_DURATION_MS);
  const lastSession = scope.stageLives.get(composition.stageArn)?.sessions.at(-1);
  const lives = [...(lastSession?.participants.values() ?? [])];
  if (!lives.some(({ participant }) => participant.state === 'CONNECTED')) {
    scheduleChange(world, scope, 'composition-idles', composition.arn, now + IDLE_MS);
  }
}

/** Makes a composition ACTIVE. */
export function activateComposition(world: World, scope: Scope, arn: string, now: number): void {
  const composition = scope.compositions.get(arn);
  if (composition?.state !== 'STARTING') return;
  setState(composition, 'ACTIVE');
  for (const destination of composition.destinations) destination.startTime = iso(now);
  emitComposition(world, scope, composition, 'Start');
}

/** Makes a composition STOPPING. Callers: StopComposition, an empty stage, and the end of its 24 hours. */
export function stopComposition(world: World, scope: Scope, arn: string, now: number): void {
  const composition = scope.compositions.get(arn);
  if (!composition || composition.state === 'STOPPING') return;
  setState(composition, 'STOPPING');
  cancelChanges(world, arn);
  scheduleChange(world, scope, 'composition-ends', arn, now + TRANSITION_MS);
}

/** Ends a composition. AWS deletes it when it has stopped (service model): no call answers it any more. */
export function endComposition(world: World, scope: Scope, arn: string): void {
  const composition = scope.compositions.get(arn);
  if (!composition) return;
  scope.compositions.delete(arn);
  for (const [token, started] of scope.compositionStarts) {
    if (started.arn === arn) scope.compositionStarts.delete(token);
  }
  emitComposition(world, scope, composition, 'End');
  cancelChanges(world, arn);
}

/** Schedules the stop of the compositions of a stage that has become empty. */
export function scheduleIdleStop(world: World, scope: Scope, stageArn: string): void {
  for (const composition of scope.compositions.values()) {
    if (composition.stageArn !== stageArn) continue;
    scheduleChange(world, scope, 'composition-idles', composition.arn, world.clock.now() + IDLE_MS);
  }
}

/** Cancels the scheduled stop of the compositions of a stage, because somebody has joined. */
export function cancelIdleStop(world: World, scope: Scope, stageArn: string): void {
  for (const composition of scope.compositions.values()) {
    if (composition.stageArn === stageArn) world.schedule.cancel('composition-idles', composition.arn);
  }
}

/** Ends the compositions of a stage that is deleted. */
export function endCompositionsOf(world: World, scope: Scope, stageArn: string): void {
  for (const composition of scope.compositions.values()) {
    if (composition.stageArn === stageArn) endComposition(world, scope, composition.arn);
  }
}

function setState(composition: Composition, state: CompositionState): void {
  composition.state = state;
  for (const destination of composition.destinations) destination.state = state;
}

type CompositionChange = 'composition-starts' | 'composition-idles' | 'composition-stops' | 'composition-ends';

function scheduleChange(world: World, scope: Scope, what: CompositionChange, arn: string, at: number): void {
  world.schedule.add({ at, what, account: scope.account, region: scope.region, arn });
}

function cancelChanges(world: World, arn: string): void {
  for (const what of ['composition-starts', 'composition-idles', 'composition-stops', 'composition-ends'] as const) {
    world.schedule.cancel(what, arn);
  }
}
