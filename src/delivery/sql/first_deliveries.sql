-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lists p_each deliveries of each of these actions at most. If an action has more, the open ones take precedence, and
-- then the oldest.
create function first_deliveries(p_tenant text, p_actions text[], p_each integer)
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
    unnest(p_actions) as a (id)
    cross join lateral (
      select of_state.*
      from
        unnest(array['pending', 'stuck', 'done', 'not_connected', 'expired']) as s (state)
        cross join lateral (
          select e.*
          from public.deliveries as e
          where e.tenant_id = p_tenant and e.action_id = a.id and e.state = s.state
          order by e.id
          limit p_each
        ) as of_state
      order by of_state.state in ('pending', 'stuck') desc, of_state.id
      limit p_each
    ) as d
  order by d.action_id, d.id;
$$;
