-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Verifies p_most entries of the hash chain of a tenant that follow the place p_after, whose hash is p_hash; null
-- p_most: all. Returns the first place that is wrong with its problem, or else the last place and its hash.
create function verify_part(p_tenant text, p_after bigint, p_hash bytea, p_most bigint)
returns table (seq bigint, hash bytea, id text, problem text)
language plpgsql
stable
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  v_found record;
  v_entry public.audit;
  v_seq bigint := p_after;
  v_hash bytea := p_hash;
begin
  for v_found in
    select a as entry, c.hash as signed
    from
      public.audit as a
      left join public.audit_checkpoints as c on c.tenant_id = a.tenant_id and c.seq = a.seq and not c.is_cut
    where a.tenant_id = p_tenant and a.seq > p_after
    order by a.seq
    limit p_most
  loop
    v_entry := v_found.entry;
    v_seq := v_seq + 1;
    if v_entry.seq != v_seq then
      return query select v_seq, null::bytea, null::text, 'row missing';
      return;
    end if;
    v_hash := audit_digest(v_hash, v_entry);
    if v_hash is distinct from v_entry.hash then
      return query select v_seq, null::bytea, v_entry.id, 'row changed';
      return;
    end if;
    if v_hash != v_found.signed then
      return query select v_seq, null::bytea, v_entry.id, 'differs from its checkpoint';
      return;
    end if;
  end loop;
  return query select v_seq, v_hash, null::text, null::text;
end;
$$;
