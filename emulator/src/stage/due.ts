import type { Due } from '../state/schedule.ts';
import type { World } from '../state/world.ts';
import { expire } from './join.ts';

/** What happens when each kind of thing comes due. */
export function runDue(world: World, due: Due): void {
  expire(world, due.account, due.region, due.arn, due.participantId ?? '');
}
