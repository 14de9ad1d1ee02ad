-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the ids of a user's watched chat grants in a space whose tokens cannot connect any more. A chat token
-- connects once. It reads the newest grants of the user alone.
create function unusable_chat_grants(p_tenant text, p_space text, p_user text, p_ivs_user text, p_limits jsonb)
returns text[]
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  v_oldest timestamptz := now() - limit_time(p_limits, 'longestTokenSeconds');
begin
  return array(
    select id
    from public.grants
    where
      tenant_id = p_tenant
      and user_id = p_user
      and issued_at > v_oldest
      and kind = 'chat'
      and space_id || '' = p_space -- makes the planner use the index of users, as does the next line
      and state || '' = 'watched'
      and ivs_user_id = p_ivs_user
      and expires_at < clock_timestamp()
  );
end;
$$;
