-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lists the connected participants who may not be there, each with the action that is against them. grant_id is the
-- grant that they joined with, or null. A banned user is found by user id too, because they may have joined with a
-- token that Stagedoor did not make. p_connected is as in finish_watch. The holds of each of them are found by index,
-- because a space can have very many holds.
create function unwanted_participants(p_tenant text, p_space text, p_looked_at timestamptz, p_connected jsonb)
returns table (participant_id text, action_id text, until timestamptz, grant_id text)
language plpgsql
stable
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
as $$
#variable_conflict use_column
begin
  return query
    select distinct on (c.key)
      c.key, against.action_id, against.until::timestamptz, against.grant_id
    from
      (
        -- The offset keeps this apart: Postgres takes no index for a comparison that row-level security does not trust.
        select key, value ->> 'userId' as user_id, (value ->> 'exceeds')::boolean as exceeds
        from jsonb_each(p_connected)
        offset 0
      ) as c
      cross join lateral (
        (
          select h.action_id, h.until, h.grant_id
          from public.holds as h
          where
            h.tenant_id = p_tenant
            and h.space_id = p_space
            and h.kind = 'stage'
            and h.participant_id = c.key
            and h.watch_from < p_looked_at
            and (h.watch_for != 'demoted' or c.exceeds)
        )
        union all
        (
          select h.action_id, h.until, null
          from public.holds as h
          where
            h.tenant_id = p_tenant
            and h.space_id = p_space
            and h.kind = 'stage'
            and h.ivs_user_id = c.user_id
            and h.watch_from < p_looked_at
            and h.watch_for = 'banned'
            and h.participant_id is distinct from c.key
          order by h.action_id
          limit 1
        )
      ) as against
    order by c.key, against.grant_id is null, against.action_id;
end;
$$;
