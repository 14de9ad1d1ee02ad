/** The calls of what moderators do, of deliveries, and of undoing. */
import { limits } from '../../src/limits.ts';
import { account, type Before, lobby, type PathCall, tenant, user } from './path-call.ts';

/** @param keyId of an API key of the first tenant. */
export function callsOfActs(keyId: string): PathCall[] {
  const ban = (who: string, n: number) => ({
    tenant,
    kind: 'apiKey',
    credential: keyId,
    mustBeActive: true,
    caller: { kind: 'apiKey', id: keyId },
    claimed: [],
    pseudonym: null,
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
  const fewBans = () => ({ tenant, than: 99_000, limits });
  const afterACount: Before[] = [['has_fewer_bans', fewBans()]];
  return [
    ['ban', 'create_ban', (n) => ban(user(n), n), afterACount],
    ['ban of the busiest user', 'create_ban', (n) => ban('often', n), afterACount],
    ['rank of the busiest user', 'rank_to_act_on', () => ({ tenant, space: lobby, user: 'often', limits })],
    ['quota of bans', 'has_fewer_bans', fewBans, afterACount],
    ['quota of bans: a count, once in 200 acts', 'bans_in_force', () => ({ tenant, most: 99_000 })],
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
      'count_live_tokens_of_key',
      () => ({ tenant, key: `sgk_01m0${'0'.repeat(22)}`, most: 1_000_000 }),
    ],
    [
      'end of a signing key',
      'revoke_grants_of_key',
      () => ({ tenant, key: `sgk_01m0${'0'.repeat(22)}`, from: '-infinity', limit: 1_000 }),
    ],
  ];
}
const act = 'act_bench_acted';
const newest = `from grants where tenant_id = '${tenant}' and space_id = '${lobby}' and kind = 'stage' order by session_expires_at desc`;
const action = (id: string, kind: string) => `
  insert into actions (tenant_id, id, kind, space_id, requested_by, requested_at, turn)
    values ('${tenant}', '${id}', '${kind}', '${lobby}', '{"kind":"apiKey","id":"bench"}', now(), nextval('turns'))`;

/** A moderator has acted against the newest hundred people of the space. A call to IVS for each of them is open. */
const acted = [
  action(act, 'grants.revoke'),
  `insert into holds (tenant_id, grant_id, action_id, space_id, watch_for, watch_from, kind, ivs_user_id, participant_id, expires_at)
     select tenant_id, id, '${act}', space_id, 'gone', now(), kind, ivs_user_id, participant_id, expires_at ${newest} limit 100`,
  `insert into watches (tenant_id, space_id, next_at) values ('${tenant}', '${lobby}', now()) on conflict do nothing`,
  `insert into deliveries (tenant_id, id, action_id, space_id, account, operation, arn, target, grant_id, attempts, needed_until)
     overriding system value
     select tenant_id, -row_number() over (), '${act}', space_id, '${account}', 'DisconnectParticipant', 'arn', participant_id, id, 1, now() + interval '1 hour'
       from (select * ${newest} limit 100) as g`,
  `insert into deliveries (tenant_id, id, action_id, space_id, account, operation, arn, target, parameters, attempts, needed_until)
     overriding system value
     values ('${tenant}', -101, '${act}', '${lobby}', '${account}', 'DisconnectUser', 'arn', 'often', '{"userId":"often"}', 1, now() + interval '1 hour')`,
];

/** The space is frozen, and was before. */
const frozen = [
  action('act_bench_before', 'space.freeze'),
  action('act_bench_freeze', 'space.freeze'),
  `update spaces set frozen_at = now() where tenant_id = '${tenant}' and id = '${lobby}'`,
];

/** An act has a thousand grants left. */
const unfinished = [
  action(act, 'grants.revoke'),
  `insert into unfinished_actions (tenant_id, action_id, grants, keep_out, watch_for, watch_from)
     select '${tenant}', '${act}', array(select id ${newest} limit 1000), true, 'gone', now()`,
];

/** @param keyId of an API key of the first tenant. */
export function callsOfActions(keyId: string): PathCall[] {
  const ofAct = { tenant, actions: [act] };
  const finish = (id: number) => ({
    tenant,
    id,
    attempt: 1,
    state: 'done',
    error: null,
    retrySeconds: null,
    landsSeconds: 0,
    limits,
  });
  const shown = { kind: 'apiKey', credential: keyId, mustBeActive: true, action: act, each: 10, most: 10_000 };
  return [
    ['acts in steps', 'take_unfinished_actions', () => ({ limit: 100 }), unfinished],
    ['acts in steps: 1,000 grants', 'continue_action', () => ({ tenant, action: act, limits }), unfinished],
    ['deliveries: a participant', 'finish_delivery', () => finish(-1), acted],
    ['deliveries: a user of the chat', 'finish_delivery', () => finish(-101), acted],
    [
      'deleting a message',
      'add_delivery',
      () => ({
        tenant,
        action: act,
        space: lobby,
        operation: 'DeleteMessage',
        arn: 'arn',
        target: 'message',
        grant: null,
        parameters: {},
        for: '1 minute',
      }),
      acted,
    ],
    ['answer to an act', 'shown_action', () => ({ tenant, ...shown }), acted],
    ['acts of a list', 'first_deliveries', () => ({ ...ofAct, each: 10 }), acted],
    ['acts of a list', 'count_deliveries', () => ({ ...ofAct, most: 10_000 }), acted],
    ['lift of a ban', 'lock_watches_of_actions', () => ofAct, acted],
    ['lift of a ban', 'lock_actions', () => ofAct, acted],
    ['lift of a ban', 'deliveries_under_way', () => ({ ...ofAct, lease: '15 seconds', lands: '12 seconds' }), acted],
    ['lift of a ban', 'hold_back_actions', () => ({ ...ofAct, for: '1 second' }), acted],
    ['lift of a ban: 100 grants', 'cancel_action', () => ({ tenant, action: act, why: 'bench', limits }), acted],
    ['change of role', 'unfinished_role_changes', () => ({ tenant, space: lobby, user: 'often' })],
    ['change of role', 'extend_freezing', () => ({ tenant, space: lobby, user: 'often', limits }), frozen],
    ['change of a role', 'lock_moderator_roles', () => ({ tenant })],
    ['change of a role: a frozen space', 'extend_freezings', () => ({ tenant, limits }), frozen],
    ['unfreezing', 'newest_freezing', () => ({ tenant, space: lobby }), frozen],
    [
      'kick: tokens that are being made',
      'refuse_pending_grants',
      () => ({ tenant, space: lobby, user: 'often', before: 'infinity', sparedRoles: [] }),
    ],
    [
      'freezing: tokens that are being made',
      'refuse_pending_grants',
      () => ({ tenant, space: lobby, user: null, before: 'infinity', sparedRoles: ['moderator'] }),
    ],
  ];
}
