/** The calls of looks at stages, of what IVS reports of them, and of what runs in the background of moderation. */
import { lookedAtForEvents, eventsOfTenant, moderationRates } from '../../src/ivs/call-rates.ts';
import { limits } from '../../src/limits.ts';
import type { SqlArguments } from '../../src/database/sql-call.ts';
import { type Before, lobby, type PathCall, tenant } from './path-call.ts';
import { spaceId, spaces } from './row-shape.ts';

export function callsOfWatch(): PathCall[] {
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
      [watched],
    ],
    [
      'watch: who may not be there',
      'unwanted_participants',
      () => ({ tenant, space: lobby, lookedAt: new Date(), connected }),
      [watched],
    ],
    [
      'watch: holds that have ended',
      'end_answered_holds',
      () => ({ tenant, space: lobby, lookedAt: new Date(), since: new Date(), connected, limits }),
      [watched],
    ],
    [
      'watch: change of role',
      'reserve_event_lookups',
      () => ({ tenant, wanted: 1, ...moderationRates.ListParticipantEvents }),
    ],
    ['watch', 'watch_backlog', () => ({})],
  ];
}

export function callsOfWatchdog(): PathCall[] {
  return [
    ['watchdog: 1,000 bans', 'check_bans', () => ({ most: 1_000, limits })],
    ['watchdog', 'take_watchdog_turn', () => ({ every: '15 seconds', longest: '200 seconds' })],
    ['watchdog', 'end_watchdog_turn', () => ({ findings: {}, failed: [], wait: '10 seconds' })],
    ['watchdog', 'watchdog_findings', () => ({})],
    ['watchdog', 'check_count', () => ({ every: '0 seconds', limits })],
    ['watchdog', 'oldest_unfinished_action', () => ({})],
    ['watchdog', 'oldest_erasures', () => ({})],
    ['watchdog', 'webhook_backlog', () => ({ steady: limits.steadyFailures })],
  ];
}

/** A moderator acts against somebody in the space, and the next look at it is not due yet. */
const sought = [
  `insert into actions (tenant_id, id, kind, space_id, requested_by, requested_at)
     values ('${tenant}', 'act_bench_sought', 'grants.revoke', '${lobby}', '{"kind":"apiKey","id":"bench"}', now())`,
  `insert into holds (tenant_id, grant_id, action_id, space_id, watch_for, watch_from, kind, ivs_user_id, participant_id, expires_at)
     select tenant_id, id, 'act_bench_sought', space_id, 'gone', now(), kind, ivs_user_id, 'bench-gone', now() + interval '1 hour'
       from grants where tenant_id = '${tenant}' and space_id = '${lobby}' and kind = 'stage' order by session_expires_at desc limit 1`,
  `insert into watches as w (tenant_id, space_id, next_at) values ('${tenant}', '${lobby}', now() + interval '1 minute')
     on conflict (tenant_id, space_id) do update set next_at = excluded.next_at`,
];

/** The space in which a thousand people are now. Their participants have grants. */
const hall = spaceId(0, spaces - 1);
const stageArn = `arn:aws:ivs:us-east-1:111122223333:stage/rows0x${spaces - 1}`;
const inside = Array.from({ length: 100 }, (_, n) => `inside0x${n + 1}`);

const at = new Date();
const iso = at.toISOString();
const place = { tenant, space: hall };
const session = { ...place, session: 'bench' };
const expected: [string, SqlArguments] = [
  'expect_participants',
  // A look is due at once.
  {
    tenants: [tenant],
    spaces: [hall],
    until: [new Date(at.getTime() + 36_000_000).toISOString()],
    limits: { ...limits, newsLookSeconds: 0 },
  },
];
const found = inside.map((participantId) => ({
  participantId,
  userId: '',
  from: iso,
  at: iso,
  certainty: 'confirmed',
  published: true,
}));
const page = { ...session, startedAt: at, found: JSON.stringify(found), look: { listings: [] } };
const people: Before[] = [expected, ['note_look_page', page]];
const reserved = `insert into reservations (tenant_id, kind, value) values ('${tenant}', 'stage', '${stageArn}') on conflict do nothing`;

export function callsOfPresence(): PathCall[] {
  const listed = JSON.stringify([{ sessionId: 'bench', startedAt: iso }]);
  const most = limits.leavesAtOnce;
  const ends = {
    since: at,
    active: 'bench',
    isWhole: true,
    look: null,
    error: null,
    nextIn: '1 second',
    every: '30 seconds',
    rarely: '5 minutes',
    limits,
  };
  return [
    ['who is on a stage', 'expect_participants', () => expected[1]],
    ['who is on a stage', 'lease_stage_looks', () => ({ limit: 8, lease: '15 seconds' }), [expected]],
    ['who is on a stage', 'begin_stage_look', () => ({ ...place, active: 'bench', listed }), [expected]],
    ['who is on a stage: 100 people', 'note_look_page', () => page, [expected]],
    [
      'who is on a stage: 100 have left',
      'leave_participants',
      () => ({ ...session, notSince: new Date(at.getTime() + 1_000), leftAt: at, listedAt: at, most }),
      people,
    ],
    [
      'who is on a stage: 100 have left',
      'end_stage_session',
      () => ({ ...session, startedAt: at, endedAt: at, most }),
      people,
    ],
    ['who is on a stage', 'finish_stage_look', () => ({ ...place, ...ends }), people],
  ];
}

/** Events that IVS sends to EventBridge. */
export function callsOfIvsEvents(): PathCall[] {
  const event = {
    stageArn,
    name: 'Participant Published',
    session: 'bench',
    participant: 'inside0x1',
    user: 'inside-1',
    at,
    olderThan: '30 days',
    limits,
  };
  return [
    ['event of IVS', 'report_stage_event', () => event, [reserved, ...people]],
    [
      'event of IVS',
      'find_ivs_event',
      (n) => ({
        kind: 'stage',
        arn: stageArn,
        account: '111122223333',
        region: 'us-east-1',
        event: `bench${n}`,
        ...eventsOfTenant,
      }),
      [reserved],
    ],
    [
      'event of IVS about somebody who should be gone',
      'keep_ivs_event',
      (n) => ({
        tenant,
        space: lobby,
        event: { id: `bench${n}`, type: 'IVS Stage Update', at: iso, participantId: 'bench-gone', userId: 'often' },
        rates: lookedAtForEvents,
      }),
      sought,
    ],
  ];
}
