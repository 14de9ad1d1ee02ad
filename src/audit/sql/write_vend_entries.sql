-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records the audit entries of vends of a tenant in one row, in the transaction of the vends. seal_audit makes the
-- entries within about a second, with their place in the hash chain. The database gives the time: `at` of a vend is not
-- read.
create function write_vend_entries(p_vends public.unsealed_vends[])
returns void
language sql
as $$
  insert into public.unsealed_groups (tenant_id, id, vends)
  select v.tenant_id, min(v.id), group_of_vends(array_agg(v))
  from unnest(p_vends) as v
  group by v.tenant_id;
$$;
