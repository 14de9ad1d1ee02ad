-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the ids of a user's watched chat grants in a space whose tokens cannot connect any more. A chat token
-- connects once.
create function unusable_chat_grants(p_tenant text, p_space text, p_user text, p_ivs_user text)
returns text[]
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
begin
  return array(
    select id
    from public.grants
    where
      tenant_id = p_tenant
      and user_id = p_user
      and kind = 'chat'
      and space_id = p_space
      and ivs_user_id = p_ivs_user
      and state = 'watched'
      and expires_at < clock_timestamp()
  );
end;
$$;
