/** The calls of vends. */
import { limits } from '../../src/limits.ts';
import { account, lobby, type PathCall, tenant, user } from './path-call.ts';
import { issuerName, spaceId, spaces } from './row-shape.ts';

/** The users of a group whose tokens IVS has made. */
const many = Array.from({ length: 16 }, (_, nth) => user(nth));
const inOneMinute = () => new Date(Date.now() + 60_000).toISOString();

/** Calls that decide on vends. @param keyId of an API key of the first tenant. */
export function callsOfVends(keyId: string): PathCall[] {
  return [
    ['vend', 'admit', (n) => admission(keyId, user(n), n)],
    ['vend of the busiest user', 'admit', (n) => admission(keyId, 'often', n)],
    [
      'vends, 16 together',
      'admit_groups',
      (n) => ({ groups: JSON.stringify([{ tenant, requests: group(keyId, n) }]), vendsPerMinute: 60, limits }),
    ],
    ['vend, its end after IVS', 'settle', () => settlement(keyId), [pendingOf(['often'])]],
    [
      'vends, 16 together, their end after IVS',
      'settle_groups',
      () => ({ groups: JSON.stringify([{ tenant, requests: many.map((who, nth) => ended(keyId, who, nth)) }]) }),
      [pendingOf(many)],
    ],
    [
      'exchange of a token',
      'admit_exchange',
      (n) => ({
        tenant,
        space: lobby,
        user: 'often',
        pseudonym: 'often',
        grant: `grt_bench_e${n}`,
        limits,
      }),
      [
        `insert into members (tenant_id, space_id, user_id, role) values ('${tenant}', '${lobby}', 'often', 'speaker') on conflict do nothing`,
      ],
    ],
    ['explanation of a vend', 'explain_admission', () => explained(keyId, 'often')],
    [
      'vend',
      'vends_in_last_minute',
      () => ({ tenant, user: 'often', stage: true, chat: true, most: 60, isDry: false }),
    ],
    ['vend', 'ban_in_force', (n) => ({ tenant, user: user(n), space: lobby, rank: null, pseudonym: user(n) })],
    [
      'people in a space with a capacity',
      'users_in_space',
      () => ({ tenant, space: spaceId(0, spaces - 1), except: 'nobody' }),
    ],
  ];
}
/** Calls that know the caller of a vend, and the rates that it uses up. */
export function callsBesideVends(keyId: string): PathCall[] {
  // The first issuer of the rows has the number of its tenant.
  const issuer = { tenant, issuer: `iss_01m0${'0'.repeat(22)}` };
  const hash = Buffer.alloc(32, 7);
  return [
    [
      'caller: an API key',
      'find_api_key',
      () => ({ slug: 'rows-0', hash, noteEvery: '1 minute' }),
      [`update api_keys set hash = '\\x${hash.toString('hex')}' where tenant_id = '${tenant}' and id = '${keyId}'`],
    ],
    [
      'caller: a user',
      'find_issuers',
      () => ({ issuer: issuerName(0), claims: ['aud'], audiences: ['bench'], limits }),
    ],
    ['caller: a user', 'issuers_of_place', () => ({ tenant: null, space: lobby, issuer: issuerName(0), limits })],
    ['caller: a user', 'read_issuer', () => issuer],
    [
      'limits of callers',
      'settle_allowances',
      () => ({ tenants: [tenant], names: ['bench'], seconds: [1], longest: 120 }),
    ],
    [
      'rates of IVS',
      'reserve_calls_of_lane',
      () => ({
        account,
        operation: 'CreateChatToken',
        lane: 'tenants',
        wanted: 1,
        rate: 90,
        burst: 20,
        moderation: null,
        leave: 3,
      }),
    ],
    ['refusals', 'note_refusals', () => ({ tenants: [tenant], reasons: ['banned'], requests: [1] })],
    [
      'events of vends: 1,000 grants',
      'tell_issued_grants',
      () => ({ most: 1_000 }),
      [
        `insert into untold_grants (tenant_id, grant_id) select tenant_id, id from grants
           where tenant_id = '${tenant}' and space_id = '${lobby}' and kind = 'stage' order by session_expires_at desc limit 1000`,
      ],
    ],
  ];
}

/** A vend whose chat token IVS is making. */
function pendingOf(users: string[]): string {
  const rows = users.map(
    (who, nth) => `('${tenant}', 'grt_bench_made${nth}', '${lobby}', '${who}', '${who}', 'chat', 'speaker', 'ivs',
    '{SEND_MESSAGE}', 'pending', now() + interval '2 minutes', now() + interval '1 hour')`,
  );
  return `insert into grants (tenant_id, id, space_id, user_id, ivs_user_id, kind, role, mint, capabilities, state, expires_at, session_expires_at)
    values ${rows.join(', ')}`;
}

const made = (nth: number) => [
  { id: `grt_bench_made${nth}`, mint: 'ivs', expiresAt: inOneMinute(), sessionExpiresAt: inOneMinute() },
];

function settlement(keyId: string) {
  return {
    ...decidedOn(keyId, 'often'),
    grants: ['grt_bench_made0'],
    made: JSON.stringify(made(0)),
    failed: [],
    limits,
  };
}

function ended(keyId: string, who: string, nth: number) {
  return { ...standing(keyId, who, nth), made: made(nth) };
}

function standing(keyId: string, who: string, nth: number) {
  return {
    nth,
    kind: 'apiKey',
    credential: keyId,
    space: lobby,
    user: who,
    pseudonym: who,
    asked: 'speaker',
    claimed: [],
  };
}

function explained(keyId: string, who: string) {
  return { ...decidedOn(keyId, who), stage: true, chat: true, vendsPerMinute: 60, limits, staying: null };
}

function decidedOn(keyId: string, who: string) {
  return {
    tenant,
    callerKind: 'apiKey',
    credential: keyId,
    space: lobby,
    user: who,
    pseudonym: who,
    roleAsked: 'speaker',
    rolesClaimed: [],
  };
}

function admission(keyId: string, who: string, n: number) {
  return {
    ...decidedOn(keyId, who),
    caller: { kind: 'apiKey', id: keyId },
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
    olderAction: `act_bench_o${n}`,
    olderEntry: `aud_bench_r${n}`,
    repeats: [],
  };
}

function group(keyId: string, n: number) {
  return Array.from({ length: 16 }, (_, nth) => ({
    ...standing(keyId, user(n * 16 + nth), nth),
    caller: { kind: 'apiKey', id: keyId },
    stage_grant: `grt_bench_s${nth}`,
    chat_grant: null,
    participant: `bench${nth}`,
    staying: null,
    entry: `aud_bench_${nth}`,
    action: 'stageToken.create',
    request: 'bench',
  }));
}
