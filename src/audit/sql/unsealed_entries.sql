-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Returns at most p_limit audit entries that are not sealed yet, by tenant and id: those of acts, and those of vends,
-- in which is_vend is true. The tenants share p_limit evenly, so none waits for the many entries of another. If there
-- are more tenants than that, those with the oldest entries come first.
create function unsealed_entries(p_limit integer)
returns table (entry public.audit, is_vend boolean)
language sql
stable
set enable_seqscan = off
as $$
  select e.entry, e.is_vend
  from
    (
      select tenant_id, p_limit / count(*) over () as share
      from (select tenant_id from tenants_to_seal() order by id limit p_limit) as oldest
    ) as t
    cross join lateral (
      select *
      from (
        (
          select a.id, a as entry, false as is_vend
          from public.audit as a
          where a.tenant_id = t.tenant_id and a.seq is null
          order by a.id
          limit t.share
        )
        union all
        (
          select v.id, entry_of_vend(v), true
          from public.unsealed_vends as v
          where v.tenant_id = t.tenant_id
          order by v.id
          limit t.share
        )
      ) as both_kinds
      order by id
      limit t.share
    ) as e
  order by t.tenant_id, e.id;
$$;
