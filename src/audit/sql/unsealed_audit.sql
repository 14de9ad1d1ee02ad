-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Says how many audit entries and vends of all tenants are not sealed yet, counted to p_most, and the age of the oldest
-- in seconds; 0 if there is none.
create function unsealed_audit(p_most integer)
returns table (entries bigint, oldest_seconds double precision)
language sql
as $$
  select
    (
      select count(*)
      from (
        (select from public.audit where seq is null limit p_most)
        union all
        (select from public.unsealed_vends limit p_most)
        union all
        (
          select
          from
            public.unsealed_groups as g
            cross join vends_of_group(g)
          limit p_most
        )
        limit p_most
      ) as waiting
    ),
    (
      select coalesce(greatest(extract(epoch from max(clock_timestamp() - at)), 0), 0)::double precision
      from tenants_to_seal()
    );
$$;
