-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether a call of these actions is on its way to IVS now. SendEvent does not count: a late event disconnects
-- nobody.
-- p_lease is the length of a lease. p_call is the longest time from a lease to the end of its call.
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
