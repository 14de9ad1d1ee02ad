-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lifts a ban again, as an entry ban.lift or ban.outranked of the journal says, after a restore from a backup that is
-- older. Returns false if the ban is lifted or not known. No replica serves then, so it waits for no call to IVS.
create function restore_lift(p_tenant text, p_entry jsonb, p_limits jsonb)
returns boolean
language plpgsql
set enable_seqscan = off
as $$
declare
  v_ban public.bans;
  v_actions text[];
  v_action text;
begin
  perform lock_user(p_tenant, p_entry ->> 'userId', true);
  select * into v_ban from public.bans where tenant_id = p_tenant and id = p_entry ->> 'subject' for update;
  if v_ban.id is null or v_ban.lifted_at is not null then
    return false;
  end if;
  v_actions := actions_of_bans(p_tenant, array[v_ban.id]);
  perform lock_watches_of_actions(p_tenant, v_actions);
  perform lock_actions(p_tenant, v_actions);
  foreach v_action in array v_actions loop
    while not cancel_action(p_tenant, v_action, 'the ban was lifted', p_limits) loop

    end loop;
  end loop;
  update public.bans
  set
    lifted_at = clock_timestamp(),
    lifted_by = p_entry -> 'caller',
    outranked = p_entry ->> 'action' = 'ban.outranked'
  where tenant_id = p_tenant and id = v_ban.id;
  return true;
end;
$$;
