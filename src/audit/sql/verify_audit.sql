-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Returns the first place at which the hash chain of a tenant is broken: a changed entry or a missing one. No row means
-- that the chain is intact, from the oldest entry that is kept. The caller checks the signatures of the checkpoints.
create function verify_audit(p_tenant text)
returns table (seq bigint, id text, problem text)
language plpgsql
stable
as $$
#variable_conflict use_column
declare
  v_oldest record;
  v_end record;
begin
  select * into v_oldest from oldest_place(p_tenant);
  if v_oldest.seq > 0 and v_oldest.hash is null then
    return query select v_oldest.seq, null::text, 'row missing';
    return;
  end if;
  select * into v_end from verify_part(p_tenant, v_oldest.seq, v_oldest.hash, null);
  if v_end.problem is not null then
    return query select v_end.seq, v_end.id, v_end.problem;
  elsif exists (select from public.audit_checkpoints as c where c.tenant_id = p_tenant and c.seq > v_end.seq) then
    return query select v_end.seq + 1, null::text, 'row missing';
  end if;
end;
$$;
