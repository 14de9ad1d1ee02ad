-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Lists the tenants that have audit entries which are not sealed yet, each with its first such entry. It reads one
-- entry of each tenant.
create function tenants_to_seal()
returns table (tenant_id text, id text, at timestamptz)
language sql
stable
set enable_seqscan = off
as $$
  with recursive
    first as (
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
        first as f
        cross join lateral (
          select a.tenant_id, a.id, a.at
          from public.audit as a
          where a.seq is null and a.tenant_id > f.tenant_id
          order by a.tenant_id, a.id
          limit 1
        ) as next
    )
  select f.tenant_id, f.id, f.at
  from first as f;
$$;
