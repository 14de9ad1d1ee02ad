-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Lists the tenants that have events without a place in the log, each with the first of them. It reads one event of
-- each tenant.
create function tenants_to_number()
returns table (tenant_id text, written bigint, at timestamptz)
language sql
stable
set enable_seqscan = off
as $$
  with recursive
    first as (
      (
        select e.tenant_id, e.written, e.at
        from public.events as e
        where e.position is null
        order by e.tenant_id, e.written
        limit 1
      )
      union all
      select next.tenant_id, next.written, next.at
      from
        first as f
        cross join lateral (
          select e.tenant_id, e.written, e.at
          from public.events as e
          where e.position is null and e.tenant_id > f.tenant_id
          order by e.tenant_id, e.written
          limit 1
        ) as next
    )
  select f.tenant_id, f.written, f.at
  from first as f;
$$;
