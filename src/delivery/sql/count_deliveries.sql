-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Counts the deliveries of each of these actions in each state, to p_most at most.
create function count_deliveries(p_tenant text, p_actions text[], p_most integer)
returns table (action_id text, state text, number integer)
language sql
stable
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select a.id, s.state, of_state.number
  from
    unnest(p_actions) as a (id)
    cross join unnest(array['pending', 'stuck', 'done', 'not_connected', 'expired']) as s (state)
    cross join lateral (
      select count(*)::integer as number
      from (
        select
        from public.deliveries as d
        where d.tenant_id = p_tenant and d.action_id = a.id and d.state = s.state
        limit p_most
      ) as counted
    ) as of_state;
$$;
