-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Gives at most p_limit events their places. Returns the tenants, each with the number of its events. The tenants share
-- p_limit evenly, so none waits for the many events of another. If there are more tenants than that, those with the
-- oldest events come first. The caller holds the lock of the logs.
create function place_events(p_limit integer)
returns table (tenant_id text, events bigint)
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
begin
  return query
    with
      chosen as (
        select
          e.tenant_id, e.written,
          row_number() over (
            partition by e.tenant_id
            order by e.written
          ) as nth,
          count(*) over (partition by e.tenant_id) as among
        from
          (
            select oldest.tenant_id, count(*) over () as tenants
            from (select tenant_id from tenants_to_number() order by written limit p_limit) as oldest
          ) as t
          cross join lateral (
            select tenant_id, written
            from public.events
            where tenant_id = t.tenant_id and position is null
            order by written
            limit p_limit / t.tenants
          ) as e
      ),
      logs as (
        insert into public.event_logs as l (tenant_id, last_position, last_at, first_at)
        select tenant_id, count(*), clock_timestamp(), clock_timestamp()
        from chosen
        group by tenant_id
        on conflict (tenant_id) do update
          set
            last_position = l.last_position + excluded.last_position,
            last_at = greatest(l.last_at, excluded.last_at),
            first_at = coalesce(l.first_at, greatest(l.last_at, excluded.last_at))
        returning tenant_id, last_position, last_at
      ),
      numbered as (
        update public.events as e
        set
          position = l.last_position - c.among + c.nth,
          logged_at = l.last_at
        from
          chosen as c
          join logs as l on l.tenant_id = c.tenant_id
        where e.tenant_id = c.tenant_id and e.written = c.written
        returning e.tenant_id
      )
    select n.tenant_id, count(*) as events
    from numbered as n
    group by n.tenant_id;
end;
$$;
