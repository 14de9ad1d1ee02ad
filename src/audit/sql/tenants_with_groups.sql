-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Lists the tenants that have groups of vends which are not sealed yet, each with the first of them. It reads one group
-- of each tenant.
create function tenants_with_groups()
returns table (tenant_id text, id text, at timestamptz)
language sql
stable
set enable_seqscan = off
as $$
  with recursive
    groups as (
      (
        select g.tenant_id, g.id, g.at
        from public.unsealed_groups as g
        order by g.tenant_id, g.id
        limit 1
      )
      union all
      select next.tenant_id, next.id, next.at
      from
        groups as f
        cross join lateral (
          select g.tenant_id, g.id, g.at
          from public.unsealed_groups as g
          where g.tenant_id > f.tenant_id
          order by g.tenant_id, g.id
          limit 1
        ) as next
    )
  select f.tenant_id, f.id, f.at
  from groups as f;
$$;
