-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Lists the actions of a ban. is_unfinished is true if an action has not treated all its grants yet. The planner
-- inlines this function into the query that uses it.
create function actions_of_ban(p_tenant text, p_ban text)
returns table (action_id text, is_unfinished boolean)
language sql
stable
as $$
  select
    a.id, exists (select from public.unfinished_actions as u where u.tenant_id = a.tenant_id and u.action_id = a.id)
  from public.actions as a
  where a.tenant_id = p_tenant and a.ban_id = p_ban;
$$;
