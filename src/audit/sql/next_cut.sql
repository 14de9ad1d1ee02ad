-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Verifies the oldest entries of a tenant, p_most at most, as far as they are from before p_before. Returns the place
-- before the first of them, and the place of the last one with its hash, or the first place that is wrong. No row: none
-- is that old. The newest entry is never among them: the next one is chained to it.
create function next_cut(p_tenant text, p_before timestamptz, p_most bigint)
returns table (after bigint, seq bigint, hash bytea, id text, problem text)
language plpgsql
stable
as $$
#variable_conflict use_column
declare
  v_oldest record;
  v_stays bigint;
begin
  select * into v_oldest from oldest_place(p_tenant);
  -- It stops at the first one, which is the oldest entry of all while nothing is due.
  select o.seq
  into v_stays
  from (
    select a.seq, a.at
    from public.audit as a
    where a.tenant_id = p_tenant and a.seq > v_oldest.seq
    order by a.seq
    limit p_most
  ) as o
  where o.at >= p_before
  limit 1;
  v_stays := least(
    coalesce(v_stays, v_oldest.seq + p_most + 1),
    coalesce(
      (select a.seq from public.audit as a where a.tenant_id = p_tenant and a.seq > 0 order by a.seq desc limit 1),
      0
    )
  );
  if v_stays > v_oldest.seq + 1 then
    return query
      select v_oldest.seq, p.*
      from verify_part(p_tenant, v_oldest.seq, v_oldest.hash, v_stays - 1 - v_oldest.seq) as p;
  end if;
end;
$$;
