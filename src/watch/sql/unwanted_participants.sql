-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lists the connected participants who may not be there, each with the action that is against them. grant_id is the
-- grant that they joined with, or null. A banned user is found by user id too, because they may have joined with a
-- token that Stagedoor did not make. p_connected is as in finish_watch. The holds of all of them are asked for at once:
-- they are found by index, because a space can have very many holds. Just after an act has made them, Postgres may not
-- know of them yet, and read those of the space. It reads them once then, and not for each participant.
create function unwanted_participants(p_tenant text, p_space text, p_looked_at timestamptz, p_connected jsonb)
returns table (participant_id text, action_id text, until timestamptz, grant_id text)
language plpgsql
stable
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  -- Postgres takes no index for a comparison with a part of jsonb: row-level security does not trust it.
  v_participants text[];
  v_users text[];
begin
  select coalesce(array_agg(c.key), '{}'), coalesce(array_agg(c.value ->> 'userId'), '{}')
  into v_participants, v_users
  from jsonb_each(p_connected) as c;
  return query
    select distinct on (against.participant_id)
      against.participant_id, against.action_id, against.until::timestamptz, against.grant_id
    from (
      select h.participant_id, h.action_id, h.until, h.grant_id
      from public.holds as h
      where
        h.tenant_id = p_tenant
        and h.space_id = p_space
        and h.kind = 'stage'
        and h.participant_id = any (v_participants)
        and h.watch_from < p_looked_at
        and (h.watch_for != 'demoted' or (p_connected -> h.participant_id ->> 'exceeds')::boolean)
      union all
      select c.participant_id, h.action_id, h.until, null
      from
        public.holds as h
        join unnest(v_participants, v_users) as c (participant_id, user_id) on c.user_id = h.ivs_user_id
      where
        h.tenant_id = p_tenant
        and h.space_id = p_space
        and h.kind = 'stage'
        and h.ivs_user_id = any (v_users)
        and h.watch_from < p_looked_at
        and h.watch_for = 'banned'
        and h.participant_id is distinct from c.participant_id
    ) as against
    order by against.participant_id, against.grant_id is null, against.action_id;
end;
$$;
