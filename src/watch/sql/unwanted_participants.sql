-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lists the connected participants who may not be there, each with the action that is against them. grant_id is the
-- grant that they joined with, or null. A banned user is found by user id too, because they may have joined with a
-- token that Stagedoor did not make. p_connected is as in finish_watch.
create function unwanted_participants(p_tenant text, p_space text, p_looked_at timestamptz, p_connected jsonb)
returns table (participant_id text, action_id text, until timestamptz, grant_id text)
language plpgsql
stable
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
  v_by_user jsonb; -- { IVS user id: [participant id] }
begin
  select jsonb_object_agg(users.user_id, users.participants)
  into v_by_user
  from (
    select value ->> 'userId' as user_id, jsonb_agg(key) as participants
    from jsonb_each(p_connected)
    where value ? 'userId'
    group by 1
  ) as users;
  return query
    select distinct on (c.id)
      c.id, h.action_id, h.until::timestamptz, case when h.participant_id = c.id then h.grant_id end
    from
      public.holds as h
      cross join lateral (
        select h.participant_id where p_connected ? h.participant_id
        union
        select jsonb_array_elements_text(v_by_user -> h.ivs_user_id) where h.watch_for = 'banned'
      ) as c (id)
    where
      h.tenant_id = p_tenant
      and h.space_id = p_space
      and h.kind = 'stage'
      and h.watch_from < p_looked_at
      and (h.watch_for != 'demoted' or (p_connected -> c.id ->> 'exceeds')::boolean)
    order by c.id, (h.participant_id = c.id) desc, h.action_id;
end;
$$;
