-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lists the grants that an action holds. The planner inlines this function into the query that uses it.
create function holds_of_action(p_tenant text, p_action text)
returns table (grant_id text)
language sql
stable
as $$
  select h.grant_id from public.holds as h where h.tenant_id = p_tenant and h.action_id = p_action;
$$;
