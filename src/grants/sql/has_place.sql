-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether a user has their place in a space already: they hold a grant that nothing takes from them while their
-- lock is held, and it was issued after the last change of the space, so under its present capacity.
create function has_place(p_space public.spaces, p_user text, p_limits jsonb)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return exists (
    select
    from public.grants as g
    where
      g.tenant_id = p_space.tenant_id
      and g.user_id = p_user
      and g.kind in ('stage', 'chat')
      and g.issued_at > greatest(p_space.updated_at, now() - limit_time(p_limits, 'longestTokenSeconds'))
      and g.space_id || '' = p_space.id -- keeps the planner on the index of users
      and g.state = 'released'
      and g.session_expires_at > now()
  );
end;
$$;
