/** The SQL functions that vends, acts, looks and retention call, with arguments as the service gives them. */
import type { SqlArguments } from '../../src/database/sql-call.ts';
import { limits } from '../../src/limits.ts';
import { spaceId, spaces, tenantId, usersOf } from './row-shape.ts';

/** A call of a function. It is undone afterwards. */
export type PathCall = [
  path: string,
  name: string,
  /** The arguments of the nth call. */
  args: (n: number) => SqlArguments,
  /** What is written before, in the same transaction. */
  setUp?: string,
];

const tenant = tenantId(0);
/** The space with half of the grants of the tenant. */
const lobby = spaceId(0, 0);
/** Users with a history. 'often' has one grant in a hundred of the tenant. */
const user = (n: number) => `user-${(n * 7919 + 1) % usersOf(0)}`;

/** @param keyId of an API key of the first tenant. */
export function pathCalls(keyId: string): PathCall[] {
  return [...callsOfVends(keyId), ...callsOfActs(keyId), ...callsOfWatch(), ...callsOfTime()];
}

function callsOfVends(keyId: string): PathCall[] {
  const admission = (who: string, n: number) => ({
    tenant,
    callerKind: 'apiKey',
    credential: keyId,
    caller: { kind: 'apiKey', id: keyId },
    space: lobby,
    user: who,
    pseudonym: who,
    roleAsked: 'speaker',
    rolesClaimed: [],
    stageGrant: `grt_bench_s${n}`,
    chatGrant: `grt_bench_c${n}`,
    participant: `bench${n}`,
    staying: null,
    auditEntry: `aud_bench_a${n}`,
    outrankedEntry: `aud_bench_o${n}`,
    auditAction: 'space.join',
    request: 'bench',
    vendsPerMinute: 60,
    limits,
  });
  const group = (n: number) =>
    Array.from({ length: 16 }, (_, nth) => ({
      nth,
      kind: 'apiKey',
      credential: keyId,
      caller: { kind: 'apiKey', id: keyId },
      space: lobby,
      user: user(n * 16 + nth),
      pseudonym: user(n * 16 + nth),
      asked: 'speaker',
      claimed: [],
      stage_grant: `grt_bench_s${nth}`,
      chat_grant: null,
      participant: `bench${nth}`,
      staying: null,
      entry: `aud_bench_${nth}`,
      action: 'stageToken.create',
      request: 'bench',
    }));
  return [
    ['vend', 'admit', (n) => admission(user(n), n)],
    ['vend of the busiest user', 'admit', (n) => admission('often', n)],
    [
      'vends, 16 together',
      'admit_groups',
      (n) => ({ groups: JSON.stringify([{ tenant, requests: group(n) }]), vendsPerMinute: 60, limits }),
    ],
    ['vend', 'vends_in_last_minute', () => ({ tenant, user: 'often', stage: true, chat: true, most: 60 })],
    ['vend', 'ban_in_force', (n) => ({ tenant, user: user(n), space: lobby, rank: null })],
    [
      'people in a space with a capacity',
      'users_in_space',
      () => ({ tenant, space: spaceId(0, spaces - 1), except: 'nobody' }),
    ],
  ];
}

function callsOfActs(keyId: string): PathCall[] {
  const ban = (who: string, n: number) => ({
    tenant,
    kind: 'apiKey',
    credential: keyId,
    mustBeActive: true,
    caller: { kind: 'apiKey', id: keyId },
    claimed: [],
    ban: `ban_bench_${n}`,
    action: `act_bench_${n}`,
    space: null,
    user: who,
    reason: null,
    expires: null,
    elapsed: 0,
    mostActs: 1_000,
    usualQuota: 100_000,
    auditEntry: `aud_bench_${n}`,
    details: {},
    request: 'bench',
    events: JSON.stringify([]),
    limits,
  });
  return [
    ['ban', 'create_ban', (n) => ban(user(n), n)],
    ['ban of the busiest user', 'create_ban', (n) => ban('often', n)],
    ['rank of the busiest user', 'rank_to_act_on', () => ({ tenant, space: lobby, user: 'often', limits })],
    ['quota of bans', 'bans_in_force', () => ({ tenant, most: 99_000 })],
    [
      'grants of the busiest user',
      'grants_to_act_on',
      () => ({ tenant, user: 'often', space: null, before: 'infinity', limits }),
    ],
    [
      'end of the busiest user’s chat',
      'end_chat_holds',
      () => ({ tenant, action: 'act_bench', space: lobby, user: 'often', ivsUser: 'often', limits }),
    ],
    ['change of role', 'grants_beside_role', () => ({ tenant, space: lobby, user: 'often', role: 'speaker', limits })],
    ['revoking all of the busiest space', 'grants_in_space', () => ({ tenant, space: lobby, limits })],
    [
      'freezing the busiest space',
      'grants_to_silence',
      () => ({ tenant, space: lobby, user: null, moderatorRoles: ['moderator'], limits }),
    ],
    [
      'end of a signing key',
      'revoke_grants_of_key',
      () => ({ tenant, key: `sgk_01m0${'0'.repeat(22)}`, from: '-infinity', limit: 1_000 }),
    ],
  ];
}

function callsOfWatch(): PathCall[] {
  const connected = Object.fromEntries(
    Array.from({ length: 100 }, (_, n) => [
      `participant${n}`,
      { userId: `user-${n * 10 + 7}`, publishing: n % 2 === 0 },
    ]),
  );
  const rates = Object.fromEntries(
    ['DeleteMessage', 'DisconnectParticipant', 'DisconnectUser', 'SendEvent'].map((name) => [
      name,
      { rate: 4.8, burst: 5 },
    ]),
  );
  // A moderator acts against the newest hundred people of the space.
  const watched = `
    insert into actions (tenant_id, id, kind, space_id, requested_by, requested_at)
      values ('${tenant}', 'act_bench_watch', 'grants.revoke', '${lobby}', '{"kind":"apiKey","id":"bench"}', now());
    insert into holds (tenant_id, grant_id, action_id, space_id, watch_for, watch_from, kind, ivs_user_id, participant_id, expires_at)
      select tenant_id, id, 'act_bench_watch', space_id, 'gone', now(), kind, ivs_user_id, participant_id, expires_at
        from grants where tenant_id = '${tenant}' and space_id = '${lobby}' and kind = 'stage' order by session_expires_at desc limit 100;
    insert into watches (tenant_id, space_id, next_at) values ('${tenant}', '${lobby}', now()) on conflict do nothing`;
  return [
    [
      'deliveries',
      'lease_deliveries',
      () => ({ tenant: null, action: null, limit: 20, lease: '15 seconds', lands: '12 seconds', rates, expire: 1_000 }),
    ],
    ['deliveries', 'delivery_backlog', () => ({ overdueAfter: '10 seconds' })],
    ['participants who return', 'returning_participants', () => ({ times: 3, within: '5 minutes' })],
    ['ends of bans', 'announce_ended_bans', () => ({ most: 200 })],
    ['ends of actions', 'announce_delivered_actions', () => ({ most: 200 })],
    ['watch', 'lease_watches', () => ({ limit: 20, lease: '15 seconds', byName: 64, calls: 3, rate: 4.8, burst: 5 })],
    [
      'watch: 100 people on the busiest stage',
      'finish_watch',
      () => ({
        tenant,
        space: lobby,
        lookedAt: new Date(),
        connected,
        step: { since: new Date(), nextIn: 2, unspent: 0 },
        burst: 5,
        limits,
      }),
      watched,
    ],
    ['watch', 'watch_backlog', () => ({})],
    ['watchdog: 1,000 bans', 'bans_without_hold', () => ({ afterTenant: '', afterBan: '', limit: 1_000, limits })],
  ];
}

function callsOfTime(): PathCall[] {
  const past = new Date(0);
  return [
    ['clock set back', 'mend_times', () => ({ lease: '15 seconds', backoff: '30 seconds', limits })],
    ['pending grants', 'sweep_pending_grants', () => ({ olderThan: '1 minute', most: 1_000 })],
    ['audit', 'seal_audit', () => ({ limit: 1_000 })],
    ['audit', 'unsealed_audit', () => ({ most: 100_000 })],
    ['audit', 'next_checkpoint', () => ({ tenant, age: '1 hour', most: 5_000 })],
    ['retention: nothing is due', 'next_cut', () => ({ tenant, before: past, most: 5_000 })],
    ['retention: nothing is due', 'drop_old_grants', () => ({ tenant, before: past, after: past, most: 1_000 })],
    ['retention: nothing is due', 'drop_old_bans', () => ({ tenant, before: past, most: 1_000 })],
    ['retention: nothing is due', 'drop_old_deliveries', () => ({ tenant, before: past, most: 1_000 })],
  ];
}
