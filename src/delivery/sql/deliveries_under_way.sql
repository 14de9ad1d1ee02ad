-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether IVS may still carry out a call of these actions that was sent to it. SendEvent does not count: a late
-- event disconnects nobody.
-- p_lease is the length of a lease. p_lands is the longest time from a lease until IVS has carried out its call.
create function deliveries_under_way(p_tenant text, p_actions text[], p_lease interval, p_lands interval)
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
        and operation != 'SendEvent'
        and (
          lands_until > clock_timestamp()
          or (state in ('pending', 'stuck') and leased_until - p_lease + p_lands > clock_timestamp())
        )
    );
$$;
