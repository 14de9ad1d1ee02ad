/** The SQL functions that vends, acts, looks and retention call, with arguments as the service gives them. */
import { limits } from '../../src/limits.ts';
import { callsOfActions, callsOfActs } from './path-acts.ts';
import { type PathCall, tenant } from './path-call.ts';
import { callsOfIvsEvents, callsOfPresence, callsOfWatch, callsOfWatchdog } from './path-looks.ts';
import { callsBesideVends, callsOfVends } from './path-vends.ts';

/** @param keyId of an API key of the first tenant. */
export function pathCalls(keyId: string): PathCall[] {
  return [
    ...callsOfVends(keyId),
    ...callsBesideVends(keyId),
    ...callsOfActs(keyId),
    ...callsOfActions(keyId),
    ...callsOfWatch(),
    ...callsOfWatchdog(),
    ...callsOfPresence(),
    ...callsOfIvsEvents(),
    ...callsOfTime(),
  ];
}

function callsOfTime(): PathCall[] {
  const past = new Date(0);
  return [
    ['clock set back', 'mend_times', () => ({ lease: '15 seconds', backoff: '30 seconds', limits })],
    ['pending grants', 'sweep_pending_grants', () => ({ olderThan: '1 minute', most: 1_000 })],
    ['audit', 'seal_audit', () => ({ limit: 1_000 })],
    ['audit', 'unsealed_audit', () => ({ most: 100_000 })],
    ['audit', 'overdue_audit', () => ({ tenant, before: past })],
    ['audit', 'next_checkpoint', () => ({ tenant, age: '1 hour', most: 5_000 })],
    ['retention: nothing is due', 'next_cut', () => ({ tenant, before: past, most: 5_000 })],
    ['retention: nothing is due', 'drop_old_grants', () => ({ tenant, before: past, after: past, most: 1_000 })],
    ['retention: nothing is due', 'drop_old_holds', () => ({ tenant, before: past, most: 1_000 })],
    ['retention: nothing is due', 'drop_old_actions', () => ({ tenant, before: past, after: '', most: 1_000 })],
    ['retention: nothing is due', 'drop_old_bans', () => ({ tenant, before: past, most: 1_000 })],
    ['retention: nothing is due', 'drop_old_deliveries', () => ({ tenant, before: past, most: 1_000 })],
    ['retention: nothing is due', 'drop_old_api_keys', () => ({ tenant, before: past, most: 1_000 })],
    ['retention: nothing is due', 'drop_old_spaces', () => ({ tenant, before: past, after: past, most: 1_000 })],
    ['retention: nothing is due', 'drop_old_erasures', () => ({ tenant, before: past, most: 1_000 })],
  ];
}
