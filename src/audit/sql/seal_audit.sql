-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Puts the entries of unsealed_entries, about p_limit, into the hash chains of their tenants: those of acts, which are
-- in the audit log already, and those of vends, which it writes there. Returns how many. One replica seals at a time;
-- the others return 0.
-- Entries are sealed after the change that they record, so that the vends of a tenant do not wait for each other's
-- commits. Because of that, a change of an entry is not detected for about a second.
create function seal_audit(p_limit integer)
returns bigint
language plpgsql
as $$
declare
  v_found record;
  v_entry public.audit;
  v_last public.audit;
  v_acts public.audit[] := array[]::public.audit[];
  v_vends public.audit[] := array[]::public.audit[];
  v_tenants text[] := array[]::text[];
  v_groups text[] := array[]::text[];
begin
  if not try_lock('sealer', '{}', true) then
    return 0::bigint;
  end if;
  for v_found in select entry, is_vend, group_id from unsealed_entries(p_limit) loop
    v_entry := v_found.entry;
    if v_entry.tenant_id is distinct from v_last.tenant_id then
      v_last := null;
      select *
      into v_last
      from public.audit
      where tenant_id = v_entry.tenant_id and seq is not null
      order by seq desc
      limit 1;
    end if;
    v_entry.seq := coalesce(v_last.seq, 0) + 1;
    v_entry.hash := audit_digest(v_last.hash, v_entry);
    v_last := v_entry;
    if v_found.is_vend then
      v_vends := v_vends || v_entry;
      v_tenants := v_tenants || v_entry.tenant_id;
      v_groups := v_groups || v_found.group_id;
    else
      v_acts := v_acts || v_entry;
    end if;
  end loop;
  update public.audit as a
  set
    seq = e.seq,
    hash = e.hash
  from unnest(v_acts) as e
  where a.tenant_id = e.tenant_id and a.id = e.id;
  insert into public.audit
  select e.*
  from unnest(v_vends) as e;
  perform note_sealed_vends(v_vends);
  delete from public.unsealed_vends as v using unnest(v_vends) as e where v.tenant_id = e.tenant_id and v.id = e.id;
  delete from public.unsealed_groups as g
  using unnest(v_tenants, v_groups) as s (tenant_id, id)
  where g.tenant_id = s.tenant_id and g.id = s.id;
  return cardinality(v_acts) + cardinality(v_vends)::bigint;
exception when unique_violation then
  return rename_taken_vends(v_vends);
end;
$$;
