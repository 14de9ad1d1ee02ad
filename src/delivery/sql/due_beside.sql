-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Counts the due deliveries of an account and operation that belong to other actions than this one. It counts to p_most
-- at most.
create function due_beside(
  p_account text,
  p_operation text,
  p_tenant text,
  p_action text,
  p_now timestamptz,
  p_most integer
)
returns integer
language plpgsql
stable
as $$
begin
  return (
    select count(*)::integer
    from (
      select
      from public.deliveries as d
      where
        d.account = p_account
        and d.operation = p_operation
        and d.state in ('pending', 'stuck')
        and d.next_at <= p_now
        and d.leased_until < p_now
        and d.needed_until >= p_now
        and (d.tenant_id != p_tenant or d.action_id != p_action)
      limit p_most
    ) as others
  );
end;
$$;
