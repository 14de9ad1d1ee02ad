import type { Due } from '../state/schedule.ts';
import type { Scope } from '../state/scope.ts';
import type { World } from '../state/world.ts';
import { endComposition, startComposition, stopComposition } from './composition-life.ts';
import { expireToken } from './join.ts';
import { advanceRecording } from './media.ts';
import { lapseReplication } from './replication.ts';

/** What happens when each kind of thing comes due. */
const HAPPENS: Record<Due['what'], (world: World, scope: Scope, due: Due) => void> = {
  'composition-starts': (world, scope, due) => startComposition(world, scope, due.arn, due.at),
  'composition-idles': (world, scope, due) => stopComposition(world, scope, due.arn, due.at),
  'composition-stops': (world, scope, due) => stopComposition(world, scope, due.arn, due.at),
  'composition-ends': (world, scope, due) => endComposition(world, scope, due.arn, due.at),
  'recording-starts': (world, scope, due) => advanceRecording(world, scope, due),
  'recording-ends': (world, scope, due) => advanceRecording(world, scope, due),
  'replication-lapses': (world, scope, due) => lapseReplication(world, scope, due.arn, due.participantId ?? ''),
  'token-expires': (world, scope, due) => expireToken(world, scope, due.arn, due.participantId ?? ''),
};

export function runDue(world: World, due: Due): void {
  const scope = world.scopes.get(`${due.account}/${due.region}`);
  if (scope) HAPPENS[due.what](world, scope, due);
}
