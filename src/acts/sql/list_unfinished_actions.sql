-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Lists actions that have not treated all their grants yet, at most p_limit.
create function list_unfinished_actions(p_limit integer)
returns table (tenant_id text, action_id text)
language sql
stable
as $$
  select u.tenant_id, u.action_id from public.unfinished_actions as u limit p_limit;
$$;
