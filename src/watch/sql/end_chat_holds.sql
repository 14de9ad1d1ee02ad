-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Revokes a user's chat grants in a space that this action holds and whose tokens cannot connect any more, and ends all
-- holds of them. IVS has disconnected the user, so nobody can use these tokens any more.
create function end_chat_holds(p_tenant text, p_action text, p_space text, p_user text, p_ivs_user text, p_limits jsonb)
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  v_unusable text[] := unusable_chat_grants(p_tenant, p_space, p_user, p_ivs_user, p_limits);
  v_held text[] := array(
    select grant_id
    from public.holds
    where tenant_id = p_tenant and grant_id = any (v_unusable) and action_id = p_action
  );
begin
  perform mark_grants_revoked(p_tenant, v_held, null);
  delete from public.holds where tenant_id = p_tenant and grant_id = any (v_held);
end;
$$;
