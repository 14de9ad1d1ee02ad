import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import type { ChatLogs } from '../chatlogs/chat-logs.ts';
import type { EventBus } from '../eventbridge/event-bus.ts';
import type { ChatRooms } from '../chat/chat-rooms.ts';
import type { ReviewHandlers } from '../chat/review.ts';
import { AWS_COUNT_LIMITS, type CountLimits } from '../quotas/limits.ts';
import type { Rates } from '../quotas/rates.ts';
import type { Clock } from '../clock.ts';
import { emptyScope, type Scope } from './scope.ts';
import type { Schedule } from './schedule.ts';
import { DEFAULT_SWITCHES, type Switches } from './switches.ts';

/** The whole state of the emulator. An operation acts on one scope, which holds what one account has in one Region. */
export interface World {
  clock: Clock;
  schedule: Schedule;
  switches: Switches;
  limits: CountLimits;
  rates: Rates;
  chatRooms: ChatRooms;
  chatLogs: ChatLogs;
  reviewHandlers: ReviewHandlers;
  events: EventBus;
  /** The key that encrypts chat tokens and signs participant tokens. AWS uses keys that only AWS has. */
  secret: KeyObject;
  /** The chat tokens that have opened a connection, by their id, with their expiry in milliseconds since 1970. */
  usedChatTokens: Map<string, number>;
  /** The key is `<account>/<region>`. */
  scopes: Map<string, Scope>;
}

export function newWorld(parts: Omit<World, 'switches' | 'limits' | 'secret' | 'usedChatTokens' | 'scopes'>): World {
  return {
    ...parts,
    switches: { ...DEFAULT_SWITCHES },
    limits: { ...AWS_COUNT_LIMITS },
    secret: createSecretKey(randomBytes(32)),
    usedChatTokens: new Map(),
    scopes: new Map(),
  };
}

/** The scope of one account in one Region. It is made at the first use. */
export function scopeOf(world: World, account: string, region: string): Scope {
  const key = `${account}/${region}`;
  let scope = world.scopes.get(key);
  if (!scope) {
    scope = emptyScope(account, region);
    world.scopes.set(key, scope);
  }
  return scope;
}
