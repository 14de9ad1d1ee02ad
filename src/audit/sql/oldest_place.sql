-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Returns the place before the oldest entry that is kept of a tenant, with the hash that the cut there says: 0 and
-- null, if the oldest entry is the first one of the chain. At another place, a null hash says that the cut is missing.
create function oldest_place(p_tenant text)
returns table (seq bigint, hash bytea)
language sql
stable
set enable_seqscan = off
as $$
  select oldest.seq - 1, c.hash
  from
    (
      select
        coalesce(
          (select a.seq from public.audit as a where a.tenant_id = p_tenant and a.seq > 0 order by a.seq limit 1),
          1
        ) as seq
    ) as oldest
    left join public.audit_checkpoints as c on c.tenant_id = p_tenant and c.seq = oldest.seq - 1 and c.is_cut;
$$;
