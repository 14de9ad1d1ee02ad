-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Lists the next due deliveries of an account and operation, at most p_limit of each tenant. turn is the position of a
-- delivery among those of its tenant: publishers first, then the longest due. It leaves out the deliveries of the
-- actions in p_held. Null p_action means all actions.
create function due_in_turn(
  p_account text,
  p_operation text,
  p_tenant text,
  p_action text,
  p_limit integer,
  p_held text[],
  p_now timestamptz
)
returns table (tenant_id text, id bigint, priority smallint, next_at timestamptz, turn bigint)
language plpgsql
stable
rows 50
as $$
#variable_conflict use_column
begin
  return query
    with
      waiting as materialized (
        select distinct d.tenant_id
        from public.deliveries as d
        where
          d.account = p_account
          and d.operation = p_operation
          and d.state in ('pending', 'stuck')
          and d.next_at <= p_now
          and d.leased_until < p_now
          and d.needed_until >= p_now
          and (p_action is null or (d.tenant_id = p_tenant and d.action_id = p_action))
      )
    select
      w.tenant_id, next.id, next.priority, next.next_at::timestamptz,
      row_number() over (
        partition by w.tenant_id
        order by next.priority, next.next_at, next.id
      )
    from
      waiting as w
      cross join lateral (
        select d.id, d.priority, d.next_at
        from public.deliveries as d
        where
          d.tenant_id = w.tenant_id
          and d.account = p_account
          and d.operation = p_operation
          and d.state in ('pending', 'stuck')
          and d.next_at <= p_now
          and d.leased_until < p_now
          and d.needed_until >= p_now
          and (p_action is null or d.action_id = p_action)
          and d.action_id != all (p_held)
        order by d.priority, d.next_at, d.id
        limit p_limit
      ) as next;
end;
$$;
