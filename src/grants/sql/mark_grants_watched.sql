-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Marks released grants as watched: stage grants, and chat grants whose session may still last.
create function mark_grants_watched(p_tenant text, p_ids text[])
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  v_spaces text[];
  v_users text[];
begin
  with
    watched as (
      update public.grants
      set state = 'watched'
      where
        tenant_id = p_tenant
        and id = any (p_ids)
        and state = 'released'
        and (kind = 'stage' or session_expires_at > now())
      returning space_id, user_id
    )
  select array_agg(space_id), array_agg(user_id)
  into v_spaces, v_users
  from watched;
  perform note_places(p_tenant, v_spaces, v_users);
end;
$$;
