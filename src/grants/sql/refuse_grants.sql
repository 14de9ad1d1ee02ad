-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Refuses grants whose tokens do not leave. A grant that an act is against keeps its state.
create function refuse_grants(p_tenant text, p_ids text[])
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  v_spaces text[];
  v_users text[];
begin
  with
    refused as (
      update public.grants
      set state = 'refused'
      where tenant_id = p_tenant and id = any (p_ids) and state in ('pending', 'released')
      returning space_id, user_id
    )
  select array_agg(space_id), array_agg(user_id)
  into v_spaces, v_users
  from refused;
  perform note_places(p_tenant, v_spaces, v_users);
end;
$$;
