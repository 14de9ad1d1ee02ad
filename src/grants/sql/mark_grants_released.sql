-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Sets watched grants back to released. No action holds them any more.
create function mark_grants_released(p_tenant text, p_ids text[])
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  v_spaces text[];
  v_users text[];
begin
  with
    released as (
      update public.grants
      set state = 'released'
      where tenant_id = p_tenant and id = any (p_ids) and state = 'watched'
      returning space_id, user_id
    )
  select array_agg(space_id), array_agg(user_id)
  into v_spaces, v_users
  from released;
  perform note_places(p_tenant, v_spaces, v_users);
end;
$$;
