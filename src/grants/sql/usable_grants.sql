-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Lists the unexpired grants of a user that somebody may be connected with. Null p_space means all spaces. The planner
-- inlines this function into the query that uses it. It reads the newest grants of the user alone.
create function usable_grants(p_tenant text, p_user text, p_space text, p_limits jsonb)
returns table (id text, space_id text)
language sql
stable
as $$
  select g.id, g.space_id
  from public.grants as g
  where
    g.tenant_id = p_tenant
    and g.user_id = p_user
    and (
      p_space is null
      or g.space_id = p_space
      or (g.space_id, g.kind) in (select s.space_id, s.kind from spaces_sharing(p_tenant, p_space) as s)
    )
    and g.issued_at > now() - limit_time(p_limits, 'longestTokenSeconds')
    and may_be_inside(g)
    -- No index has this, so the planner does not read what everybody else can use.
    and greatest(g.issued_at, g.expires_at) > now();
$$;
