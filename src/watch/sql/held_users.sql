-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Returns the IVS user ids of the stage grants that are held in a space, at most p_limit. Users of the newest holds
-- come first. It reads one row of each user, because one user can have thousands of holds.
create function held_users(p_tenant text, p_space text, p_limit integer)
returns text[]
language sql
stable
as $$
  with recursive
    users as (
      (
        select h.ivs_user_id, h.watch_from
        from public.holds as h
        where h.tenant_id = p_tenant and h.space_id = p_space and h.kind = 'stage'
        order by h.ivs_user_id desc, h.watch_from desc
        limit 1
      )
      union all
      select next.ivs_user_id, next.watch_from
      from
        users as u
        cross join lateral (
          select h.ivs_user_id, h.watch_from
          from public.holds as h
          where h.tenant_id = p_tenant and h.space_id = p_space and h.kind = 'stage' and h.ivs_user_id < u.ivs_user_id
          order by h.ivs_user_id desc, h.watch_from desc
          limit 1
        ) as next
    )
  select coalesce(array_agg(known.ivs_user_id order by known.watch_from desc, known.ivs_user_id), '{}')
  from (select * from users limit p_limit) as known;
$$;
