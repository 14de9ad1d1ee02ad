-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Lists the tenants that have audit entries or vends which are not sealed yet, each with the first of them. It reads
-- one entry, one vend and one group of each tenant.
create function tenants_to_seal()
returns table (tenant_id text, id text, at timestamptz)
language sql
stable
set enable_seqscan = off
as $$
  with recursive
    entries as (
      (
        select a.tenant_id, a.id, a.at
        from public.audit as a
        where a.seq is null
        order by a.tenant_id, a.id
        limit 1
      )
      union all
      select next.tenant_id, next.id, next.at
      from
        entries as e
        cross join lateral (
          select a.tenant_id, a.id, a.at
          from public.audit as a
          where a.seq is null and a.tenant_id > e.tenant_id
          order by a.tenant_id, a.id
          limit 1
        ) as next
    ),
    vends as (
      (
        select v.tenant_id, v.id, v.at
        from public.unsealed_vends as v
        order by v.tenant_id, v.id
        limit 1
      )
      union all
      select next.tenant_id, next.id, next.at
      from
        vends as f
        cross join lateral (
          select v.tenant_id, v.id, v.at
          from public.unsealed_vends as v
          where v.tenant_id > f.tenant_id
          order by v.tenant_id, v.id
          limit 1
        ) as next
    )
  select distinct on (f.tenant_id) f.tenant_id, f.id, f.at
  from (
    select * from entries
    union all
    select * from vends
    union all
    select * from tenants_with_groups()
  ) as f
  order by f.tenant_id, f.id;
$$;
