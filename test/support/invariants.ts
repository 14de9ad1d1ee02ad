import type { Emulator } from '../../emulator/src/emulator.ts';
import type { TestDatabase } from './database.ts';
import { expectOutcomes } from './outcomes.ts';

/** What must always hold: each query finds what breaks it. */
const invariants: Record<string, string> = {
  'every unexpired grant of a user under an active ban is held by that ban': `
    select b.id as ban, g.id as grant from bans b
      join grants g on g.tenant_id = b.tenant_id and g.user_id = b.user_id and (b.space_id is null or g.space_id = b.space_id)
     where b.lifted_at is null and (b.expires_at is null or b.expires_at > now())
       and may_be_inside(g) and g.expires_at > now()
       and not exists (select from holds h join actions a on a.tenant_id = h.tenant_id and a.id = h.action_id
                        where h.tenant_id = g.tenant_id and h.grant_id = g.id and a.ban_id = b.id)`,
  'every grant that a ban holds has a call of that ban': `
    select a.ban_id as ban, g.id as grant from holds h
      join actions a on a.tenant_id = h.tenant_id and a.id = h.action_id and a.kind = 'ban'
      join grants g on g.tenant_id = h.tenant_id and g.id = h.grant_id and g.expires_at > a.created_at
     where not exists (select from deliveries t where t.tenant_id = a.tenant_id and t.action_id = a.id
                          and (t.grant_id = g.id
                               or (g.kind = 'chat' and t.operation = 'DisconnectUser' and t.space_id = g.space_id)))`,
  'nothing was released after the ban that covers it': `
    select b.id as ban, g.id as grant from bans b
      join grants g on g.tenant_id = b.tenant_id and g.user_id = b.user_id and (b.space_id is null or g.space_id = b.space_id)
     where b.lifted_at is null and (b.expires_at is null or b.expires_at > now())
       and g.issued_at > b.created_at and g.state in ('released', 'watched', 'revoked')`,
  'every act has exactly one audit entry': `
    select a.id as action, count(u.id) as entries from actions a
      left join audit u on u.tenant_id = a.tenant_id and (u.subject = a.id or u.details ->> 'action' = a.id)
     group by a.tenant_id, a.id having count(u.id) <> 1`,
  // A token to exchange, for a participant who has a grant already, is in the entry of the change of role.
  'every vend has exactly one audit entry': `
    with entries as (
      select tenant_id, g.value as grant_id from audit, jsonb_each_text(details) g where g.key in ('stageGrant', 'chatGrant')
      union all select v.tenant_id, unnest(array[v.stage_grant, v.chat_grant]) from unsealed_groups as g, vends_of_group(g) as v)
    select g.id as grant, count(e) as entries from grants g
      left join entries e on e.tenant_id = g.tenant_id and e.grant_id = g.id
     group by g.tenant_id, g.id, g.participant_id having count(e) > 1 or (count(e) = 0 and not exists (
           select from grants o where o.tenant_id = g.tenant_id and o.participant_id = g.participant_id and o.id < g.id))`,
  'every lifted ban has exactly one audit entry for that': `
    select b.id as ban from bans b left join audit u on u.tenant_id = b.tenant_id and u.subject = b.id and u.action = 'ban.lift'
     where b.lifted_at is not null group by b.tenant_id, b.id having count(u.id) <> 1`,
  'no call was given up before it was too late to matter, but for what was undone': `
    select t.id as target from deliveries t
      join actions a on a.tenant_id = t.tenant_id and a.id = t.action_id
      left join bans b on b.tenant_id = a.tenant_id and b.id = a.ban_id
     where t.state = 'expired' and t.done_at < t.needed_until and b.lifted_at is null
       and (b.expires_at is null or b.expires_at > t.done_at) and a.kind <> 'space.freeze'`,
  'every stage that is watched for somebody has its turn': `
    select distinct h.space_id as space from holds h
      join grants g on g.tenant_id = h.tenant_id and g.id = h.grant_id and g.kind = 'stage'
     where not exists (select from watches w where w.tenant_id = h.tenant_id and w.space_id = h.space_id)`,
  'the audit chain verifies': `
    select t.id as tenant, v.* from tenants t, lateral verify_audit(t.id) v`,
};

/** Fails if anything breaks what must always hold: in the database, and for the people at IVS. */
export async function expectInvariants(place: { ivs: Emulator; database: TestDatabase }): Promise<void> {
  const { database } = place;
  for (const [what, sql] of Object.entries(invariants)) {
    expect({ [what]: await database.query(sql) }).toEqual({ [what]: [] });
  }
  await expectOutcomes(place);
}

/** Calls that are still to be made, without those that have to wait for a chat token to expire. */
export async function openCalls(database: TestDatabase): Promise<number> {
  const [row] = await database.query(
    `select count(*)::int as open from deliveries where state in ('pending', 'stuck') and not follow_up`,
  );
  return Number(row?.['open']);
}
