-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Leases due deliveries, at most p_limit for each account and operation. Null p_action means all actions of all
-- tenants. It leases publishers first, lets the tenants take turns, and leases no more than the rates of all replicas
-- together allow. A lease for one action leaves calls for the other deliveries that are due. p_rates is { operation: {
-- "rate", "burst" } }. p_lands is as in deliveries_under_way. Before that it ends deliveries that are not needed any
-- more, p_expire at most.
create function lease_deliveries(
  p_tenant text,
  p_action text,
  p_limit integer,
  p_lease interval,
  p_lands interval,
  p_rates jsonb,
  p_expire integer
)
returns table (
  tenant_id text,
  id bigint,
  action_id text,
  operation text,
  arn text,
  target text,
  parameters jsonb,
  attempts integer,
  region text,
  aws_role_arn text,
  aws_external_id text
)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_group record;
  v_allowed integer;
  v_burst double precision;
  v_now timestamptz := clock_timestamp(); -- read once, so that Postgres can use an index
begin
  perform expire_deliveries(p_expire);
  for v_group in
    select d.account, d.operation, count(*) as due
    from public.deliveries as d
    where
      d.state in ('pending', 'stuck')
      and d.next_at <= v_now
      and d.leased_until < v_now
      and d.needed_until >= v_now
      and (p_action is null or (d.tenant_id = p_tenant and d.action_id = p_action))
    group by d.account, d.operation
    order by d.account, d.operation -- the same order in every call, so that calls do not deadlock
  loop
    -- Not more than the burst can be saved up, so there is no need to count more of the others.
    v_burst := (p_rates -> v_group.operation ->> 'burst')::double precision;
    v_allowed := reserve_calls(
      v_group.account, v_group.operation, least(v_group.due, p_limit)::integer, 1,
      case
        when p_action is null then 0
        else due_beside(v_group.account, v_group.operation, p_tenant, p_action, v_now, ceil(v_burst)::integer)
      end,
      (p_rates -> v_group.operation ->> 'rate')::double precision, v_burst
    );
    continue when v_allowed <= 0;
    return query
      with
        chosen as (
          select d.tenant_id, d.id, d.action_id
          from
            due_in_turn(
              v_group.account, v_group.operation, p_tenant, p_action, v_allowed, held_back_actions(p_lease), v_now
            ) as t
            join public.deliveries as d on d.tenant_id = t.tenant_id and d.id = t.id
          where d.leased_until < v_now and d.needed_until >= v_now and d.state in ('pending', 'stuck')
          order by t.turn, t.priority, t.next_at
          limit v_allowed
          for update of d skip locked
        ),
        leased as (
          update public.deliveries as d
          set
            leased_until = clock_timestamp() + p_lease,
            -- Nobody recorded the outcome of a lease that has ended.
            lands_until = case
              when d.leased_until > 'epoch' then greatest(d.lands_until, d.leased_until - p_lease + p_lands)
              else d.lands_until
            end,
            attempts = d.attempts + 1
          from chosen as c
          where
            d.tenant_id = c.tenant_id
            and d.id = c.id
            -- If the lock is taken, the action is being undone.
            and try_lock('action', array[c.tenant_id, c.action_id], false)
          returning d.*
        )
      select
        l.tenant_id, l.id, l.action_id, l.operation, l.arn, l.target, l.parameters, l.attempts, a.region,
        a.aws_role_arn, a.aws_external_id
      from
        leased as l
        cross join lateral aws_account(l.tenant_id) as a;
  end loop;
end;
$$;
