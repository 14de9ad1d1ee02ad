-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether a user has a place in a space already. They have one if they hold a released grant that was issued after
-- the last change of the space, and so under its present capacity. Nothing takes this grant from them while their lock
-- is held. It reads their grants from the newest on: this order also makes the planner use the index of users, whatever
-- the size of the table was when it made its plan.
create function has_place(p_space public.spaces, p_user text, p_limits jsonb)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return exists (
    select
    from
      unnest(array['stage', 'chat']) as of_kind (kind)
      cross join lateral (
        select
        from public.grants as g
        where
          g.tenant_id = p_space.tenant_id
          and g.user_id = p_user
          and g.kind = of_kind.kind
          and g.issued_at > greatest(p_space.updated_at, now() - limit_time(p_limits, 'longestTokenSeconds'))
          and g.space_id || '' = p_space.id -- keeps the planner from the indexes of spaces
          and g.state = 'released'
          and g.session_expires_at > now()
        order by g.issued_at desc
        limit 1
      ) as newest
  );
end;
$$;
