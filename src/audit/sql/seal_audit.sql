-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Puts at most p_limit new entries into the hash chains of their tenants. Returns how many. One replica seals at a
-- time; the others return 0. The tenants share p_limit evenly, so none waits for the many entries of another. If there
-- are more tenants than that, those with the oldest entries come first.
-- Entries are sealed after they are written, so that the vends of a tenant do not wait for each other's commits.
-- Because of that, a change of an entry is not detected for about a second.
create function seal_audit(p_limit integer)
returns bigint
language plpgsql
as $$
declare
  v_entry public.audit;
  v_last_tenant text;
  v_seq bigint;
  v_hash bytea;
  v_sealed bigint := 0::bigint;
begin
  if not try_lock('sealer', '{}', true) then
    return 0::bigint;
  end if;
  for v_entry in
    select a.*
    from
      (
        select tenant_id, count(*) over () as tenants
        from (select tenant_id from tenants_to_seal() order by id limit p_limit) as oldest
      ) as t
      cross join lateral (
        select *
        from public.audit
        where tenant_id = t.tenant_id and seq is null
        order by id
        limit p_limit / t.tenants
      ) as a
    order by a.tenant_id, a.id
  loop
    if v_entry.tenant_id is distinct from v_last_tenant then
      v_last_tenant := v_entry.tenant_id;
      select seq, hash
      into v_seq, v_hash
      from public.audit
      where tenant_id = v_entry.tenant_id and seq is not null
      order by seq desc
      limit 1;
      if not found then
        v_seq := 0::bigint;
        v_hash := null;
      end if;
    end if;
    v_seq := v_seq + 1;
    v_entry.seq := v_seq;
    v_hash := audit_digest(v_hash, v_entry);
    update public.audit
    set
      seq = v_seq,
      hash = v_hash
    where tenant_id = v_entry.tenant_id and id = v_entry.id;
    v_sealed := v_sealed + 1;
  end loop;
  return v_sealed;
end;
$$;
