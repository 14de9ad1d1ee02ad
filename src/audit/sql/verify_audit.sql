-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Returns the first place at which the hash chain of a tenant is broken: a changed entry or a missing one. No row means
-- that the chain is intact.
create function verify_audit(p_tenant text)
returns table (seq bigint, id text, problem text)
language plpgsql
stable
as $$
#variable_conflict use_column
declare
  v_entry public.audit;
  v_expected bigint := 0::bigint;
  v_hash bytea;
begin
  for v_entry in select * from public.audit as a where a.tenant_id = p_tenant and a.seq is not null order by a.seq loop
    v_expected := v_expected + 1;
    if v_entry.seq != v_expected then
      return query select v_expected, null::text, 'row missing';
      return;
    end if;
    v_hash := audit_digest(v_hash, v_entry);
    if v_hash is distinct from v_entry.hash then
      return query select v_entry.seq, v_entry.id, 'row changed';
      return;
    end if;
  end loop;
end;
$$;
