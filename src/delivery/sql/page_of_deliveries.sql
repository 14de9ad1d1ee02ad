-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lists p_limit deliveries of an action at most, the oldest first, from the one after p_after. p_state: only those in
-- this state; null: all.
create function page_of_deliveries(p_tenant text, p_action text, p_state text, p_after bigint, p_limit integer)
returns table (
  id text,
  action_id text,
  operation text,
  target text,
  parameters jsonb,
  state text,
  attempts integer,
  last_error text,
  done_at timestamptz
)
language sql
stable
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select d.id::text, d.action_id, d.operation, d.target, d.parameters, d.state, d.attempts, d.last_error, d.done_at
  from
    unnest(array['pending', 'stuck', 'done', 'not_connected', 'expired']) as s (state)
    cross join lateral (
      select e.*
      from public.deliveries as e
      where e.tenant_id = p_tenant and e.action_id = p_action and e.state = s.state and e.id > p_after
      order by e.id
      limit p_limit
    ) as d
  where p_state is null or s.state = p_state
  order by d.id
  limit p_limit;
$$;
