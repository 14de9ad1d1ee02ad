-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lists whom the acts are against that have not treated all their grants yet. Null user_id: everybody in the space.
create function unfinished_acts(p_tenant text)
returns table (space_id text, user_id text)
language sql
stable
as $$
  select a.space_id, a.user_id
  from
    public.unfinished_actions as u
    join public.actions as a on a.tenant_id = u.tenant_id and a.id = u.action_id
  where u.tenant_id = p_tenant;
$$;
