-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the id of the newest action that has open deliveries and that is older than p_before; null if there is none.
create function next_open_action(p_tenant text, p_before text)
returns text
language sql
stable
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select d.action_id
  from public.deliveries as d
  where d.tenant_id = p_tenant and d.action_id < p_before and d.state in ('pending', 'stuck')
  order by d.action_id desc
  limit 1;
$$;
