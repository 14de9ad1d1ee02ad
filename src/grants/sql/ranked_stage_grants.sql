-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns those of these grants that are for a stage and have a participant. nth is the position of a grant among all
-- such grants of its user in its space, the newest first. It counts to p_most at most, so a higher position is not
-- exact.
create function ranked_stage_grants(p_grants public.grants[], p_most integer)
returns table (held public.grants, nth bigint)
language sql
stable
set plan_cache_mode = force_custom_plan
as $$
  select g, newer.count + 1
  from
    unnest(p_grants) as g
    cross join lateral (
      select count(*)
      from (
        select
        from public.grants as n
        where
          n.tenant_id = g.tenant_id
          and n.user_id = g.user_id
          and n.kind = 'stage'
          and n.issued_at > g.issued_at
          and n.space_id || '' = g.space_id -- makes the planner use the index of users
          and n.participant_id is not null
          and may_be_inside(n)
        limit p_most
      ) as few
    ) as newer
  where g.kind = 'stage' and g.participant_id is not null;
$$;
