-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Lists the users who have a place in a space, and when they lose it: at the latest end of the sessions of their
-- grants. It reads all of these grants. The planner inlines this function into the query that uses it.
create function users_with_place(p_tenant text, p_space text)
returns table (user_id text, until timestamptz)
language sql
stable
as $$
  select g.user_id, max(g.session_expires_at)::timestamptz
  from public.grants as g
  where
    g.tenant_id = p_tenant
    and g.space_id = any (array(select s.space_id from spaces_sharing(p_tenant, p_space) as s))
    and (g.space_id, g.kind) in (select s.space_id, s.kind from spaces_sharing(p_tenant, p_space) as s)
    and g.session_expires_at > now()
    and takes_place(g)
  group by g.user_id;
$$;
