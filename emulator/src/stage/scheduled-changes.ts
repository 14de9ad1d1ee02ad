import type { ScheduledChange } from '../state/schedule.ts';
import type { Scope } from '../state/scope.ts';
import type { World } from '../state/world.ts';
import { endComposition, activateComposition, stopComposition } from './composition-life.ts';
import { expireToken } from './join.ts';
import { advanceRecording } from './media.ts';
import { lapseReplication } from './replication.ts';
import { endEmptySession } from './session.ts';

/** The function that makes each kind of scheduled change. */
const CHANGES: Record<ScheduledChange['what'], (world: World, scope: Scope, change: ScheduledChange) => void> = {
  'composition-starts': (world, scope, change) => activateComposition(world, scope, change.arn, change.at),
  'composition-idles': (world, scope, change) => stopComposition(world, scope, change.arn, change.at),
  'composition-stops': (world, scope, change) => stopComposition(world, scope, change.arn, change.at),
  'composition-ends': (world, scope, change) => endComposition(world, scope, change.arn),
  'recording-starts': (world, scope, change) => advanceRecording(world, scope, change),
  'recording-ends': (world, scope, change) => advanceRecording(world, scope, change),
  'replication-lapses': (world, scope, change) =>
    lapseReplication(world, scope, change.arn, change.participantId ?? ''),
  'session-ends': (_world, scope, change) => endEmptySession(scope, change.arn, change.at),
  'token-expires': (world, scope, change) => expireToken(world, scope, change.arn, change.participantId ?? ''),
};

/** Makes a scheduled change. It is dropped when its account has nothing in its Region any more. */
export function runScheduledChange(world: World, change: ScheduledChange): void {
  const scope = world.scopes.get(`${change.account}/${change.region}`);
  if (scope) CHANGES[change.what](world, scope, change);
}
