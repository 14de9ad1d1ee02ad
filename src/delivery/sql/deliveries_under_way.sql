-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether a call of these actions that would hit somebody is on its way to IVS now. A late event hits nobody.
-- p_lease is the length of a lease, p_call the longest that a call takes, counted from the lease.
create function deliveries_under_way(p_tenant text, p_actions text[], p_lease interval, p_call interval)
returns boolean
language sql
as $$
  select
    exists (
      select
      from public.deliveries
      where
        tenant_id = p_tenant
        and action_id = any (p_actions)
        and state in ('pending', 'stuck')
        and operation != 'SendEvent'
        and leased_until - p_lease + p_call > clock_timestamp()
    );
$$;
