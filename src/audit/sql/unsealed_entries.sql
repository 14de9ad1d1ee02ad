-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Returns about p_limit audit entries that are not sealed yet, by tenant and id: those of acts, and those of vends, in
-- which is_vend is true. The vends of a group come together, with the id of their group. So each tenant may have some
-- more than its share. The tenants share p_limit evenly, so none waits for the many entries of another. If there are
-- more tenants than that, those with the oldest entries come first.
create function unsealed_entries(p_limit integer)
returns table (entry public.audit, is_vend boolean, group_id text)
language sql
stable
set enable_seqscan = off
as $$
  select coalesce(one.entry, entry_of_vend(v)), one.is_vend, one.group_id
  from
    (
      select tenant_id, p_limit / count(*) over () as share
      from (select tenant_id from tenants_to_seal() order by id limit p_limit) as oldest
    ) as t
    cross join lateral (
      select counted.*
      from (
        select
          waiting.*,
          sum(waiting.size) over (
            order by waiting.id, waiting.group_id
            rows between unbounded preceding and 1 preceding
          ) as before
        from (
          (
            select
              a.id, a as entry, false as is_vend, null as group_id, null::public.unsealed_groups as of_group, 1 as size
            from public.audit as a
            where a.tenant_id = t.tenant_id and a.seq is null
            order by a.id
            limit t.share
          )
          union all
          (
            select v.id, entry_of_vend(v), true, null, null, 1
            from public.unsealed_vends as v
            where v.tenant_id = t.tenant_id
            order by v.id
            limit t.share
          )
          union all
          (
            select g.id, null, true, g.id, g, jsonb_array_length(g.vends)
            from public.unsealed_groups as g
            where g.tenant_id = t.tenant_id
            order by g.id
            limit t.share
          )
        ) as waiting
      ) as counted
      where counted.before is null or counted.before < t.share
    ) as one
    left join lateral vends_of_group(one.of_group) as v on one.group_id is not null
  order by t.tenant_id, one.id, v.id;
$$;
