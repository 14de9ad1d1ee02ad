-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes the entries of a tenant to the place p_seq, if a cut with the hash of that entry is on record there, and the
-- checkpoints before. Returns how many entries it deleted. It deletes none if the last of them is from the last 30
-- days, whoever calls it, and never the newest one.
create function drop_audit(p_tenant text, p_seq bigint)
returns integer
language plpgsql
as $$
declare
  v_dropped integer;
begin
  if
    not exists (
      select
      from
        public.audit as a
        join public.audit_checkpoints as c
          on c.tenant_id = a.tenant_id and c.seq = a.seq and c.is_cut and c.hash = a.hash
      where a.tenant_id = p_tenant and a.seq = p_seq and a.at < clock_timestamp() - interval '30 days'
    )
    or not exists (select from public.audit as a where a.tenant_id = p_tenant and a.seq > p_seq)
  then
    return 0;
  end if;
  delete from public.audit where tenant_id = p_tenant and seq <= p_seq;
  get diagnostics v_dropped = row_count;
  delete from public.audit_checkpoints where tenant_id = p_tenant and seq < p_seq;
  return v_dropped;
end;
$$;
