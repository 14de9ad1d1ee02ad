-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Lists the actions that hold a grant. The planner inlines this function into the query that uses it.
create function holds_of_grant(p_tenant text, p_grant text)
returns table (action_id text)
language sql
stable
as $$
  select h.action_id from public.holds as h where h.tenant_id = p_tenant and h.grant_id = p_grant;
$$;
