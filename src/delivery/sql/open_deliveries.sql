-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Lists the open deliveries of an action. The planner inlines this function into the query that uses it.
create function open_deliveries(p_tenant text, p_action text)
returns table (id bigint, is_follow_up boolean)
language sql
stable
as $$
  select d.id, d.follow_up
  from public.deliveries as d
  where d.tenant_id = p_tenant and d.action_id = p_action and d.state in ('pending', 'stuck');
$$;
