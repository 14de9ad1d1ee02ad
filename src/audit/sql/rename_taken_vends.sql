-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Gives another id to the vends among these whose id an audit entry of the tenant has already, or another one of these,
-- so that they can be sealed. The service makes no such vend, but whoever writes with its rights must not be able to
-- stop the sealing. Returns how many rows have changed.
create function rename_taken_vends(p_entries public.audit[])
returns bigint
language plpgsql
as $$
declare
  v_taken record;
  v_renamed bigint := 0::bigint;
  v_rows bigint;
begin
  for v_taken in
    select of_id.tenant_id, array_agg(of_id.id) as ids
    from (
      select e.tenant_id, e.id
      from unnest(p_entries) as e
      group by e.tenant_id, e.id
      having count(*) > 1 or exists (select from public.audit as a where a.tenant_id = e.tenant_id and a.id = e.id)
    ) as of_id
    group by of_id.tenant_id
  loop
    update public.unsealed_vends as v
    set id = v.id || '_' || gen_random_uuid()
    where v.tenant_id = v_taken.tenant_id and v.id = any (v_taken.ids);
    get diagnostics v_rows = row_count;
    v_renamed := v_renamed + v_rows;
    update public.unsealed_groups as g
    set vends = (
      select
        group_of_vends(
          array_agg(
            jsonb_populate_record(
              v, case when v.id = any (v_taken.ids) then jsonb_build_object('id', v.id || '_' || gen_random_uuid()) end
            )
          )
        )
      from vends_of_group(g) as v
    )
    where
      g.tenant_id = v_taken.tenant_id
      and exists (select from vends_of_group(g) as v where v.id = any (v_taken.ids));
    get diagnostics v_rows = row_count;
    v_renamed := v_renamed + v_rows;
  end loop;
  return v_renamed;
end;
$$;
