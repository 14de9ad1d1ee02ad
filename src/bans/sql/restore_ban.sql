-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Bans a user again, as an entry ban.create of the journal says, after a restore from a backup that is older than the
-- ban. Returns false if the ban is known or over, or if its space is not there.
create function restore_ban(p_tenant text, p_entry jsonb, p_limits jsonb)
returns boolean
language plpgsql
set enable_seqscan = off
as $$
declare
  v_ban text := p_entry ->> 'subject';
  v_user text := p_entry ->> 'userId';
  v_space text := p_entry ->> 'spaceId';
  v_action text := p_entry #>> '{details,action}';
  v_reason text := p_entry #>> '{details,reason}';
  v_expires timestamptz := (p_entry #>> '{details,expiresAt}')::timestamptz;
begin
  perform lock_user(p_tenant, v_user, true);
  if
    v_expires <= clock_timestamp()
    or exists (select from public.bans where tenant_id = p_tenant and id = v_ban)
    or (v_space is not null and (find_space(p_tenant, v_space)).id is null)
  then
    return false;
  end if;
  insert into public.bans (tenant_id, id, user_id, space_id, reason, created_by, created_at, expires_at, by_rank)
  values (
    p_tenant, v_ban, v_user, v_space, v_reason, p_entry -> 'caller', (p_entry ->> 'at')::timestamptz, v_expires,
    (p_entry #>> '{details,byRank}')::integer
  );
  perform record_action(p_tenant, v_action, 'ban', v_space, v_user, v_ban, v_reason, p_entry -> 'caller', 0);
  perform
    act_on_grants(
      p_tenant, v_action, grants_to_act_on(p_tenant, v_user, v_space, 'infinity', p_limits), true, 'banned',
      interval '0', p_limits
    );
  return true;
end;
$$;
