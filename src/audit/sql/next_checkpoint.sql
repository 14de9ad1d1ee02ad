-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Verifies what follows the newest checkpoint of a tenant, p_most entries at most, and returns the place to be signed
-- next, or the first place that is wrong. No row: nothing is due. A checkpoint is due when p_most entries follow the
-- one before, or when one does and that is as old as p_age.
create function next_checkpoint(p_tenant text, p_age interval, p_most bigint)
returns table (seq bigint, hash bytea, id text, problem text)
language plpgsql
stable
as $$
#variable_conflict use_column
declare
  v_last public.audit_checkpoints;
  v_newest bigint;
begin
  select *
  into v_last
  from public.audit_checkpoints as c
  where c.tenant_id = p_tenant
  order by c.seq desc, c.is_cut
  limit 1;
  select a.seq
  into v_newest
  from public.audit as a
  where a.tenant_id = p_tenant and a.seq > 0
  order by a.seq desc
  limit 1;
  if
    coalesce(v_newest, 0) > coalesce(v_last.seq, 0)
    and (v_last.seq is null or v_newest - v_last.seq >= p_most or v_last.at <= clock_timestamp() - p_age)
  then
    return query select * from verify_part(p_tenant, coalesce(v_last.seq, 0), v_last.hash, p_most);
  end if;
end;
$$;
