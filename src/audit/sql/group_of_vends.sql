-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Writes vends as vends_of_group reads them. A caller who is the user themselves is not written twice.
create function group_of_vends(p_vends public.unsealed_vends[])
returns jsonb
language sql
immutable
as $$
  select
    jsonb_agg(
      jsonb_build_array(
        v.id, v.action, v.space_id, v.user_id, v.role, v.stage_grant, v.chat_grant, v.request_id,
        nullif(v.caller, jsonb_build_object('kind', 'user', 'id', v.user_id))
      )
      order by v.id
    )
  from unnest(p_vends) as v;
$$;
