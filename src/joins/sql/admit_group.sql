-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Decides on several vends of a tenant, and records the grants of those that are plainly admitted, in one round trip.
-- It never waits for a lock, and refuses nobody: everybody else leaves the group, and admit decides on them alone.
-- p_requests is as in vend_requests.
-- Returns what admission_answer returns, by parts: those of all, the spaces and roles, and { "vends", "left" }. left
-- has [nth, reason] of those who leave. Whoever is in neither leaves because of a lock.
create function admit_group(p_tenant text, p_requests jsonb, p_vends_per_minute integer, p_limits jsonb)
returns jsonb
language plpgsql
set enable_seqscan = off
as $$
declare
  v_tenant public.tenants;
  v_key public.signing_keys;
  v_spaces text[];
  v_users text[];
  v_group record;
  v_now timestamptz;
begin
  perform set_config('app.tenant_id', p_tenant, true);
  select array_agg(distinct r.space), array_agg(distinct r."user")
  into v_spaces, v_users
  from jsonb_to_recordset(p_requests) as r (space text, "user" text);
  v_spaces := try_locks('space', p_tenant, v_spaces, false);
  v_users := try_locks('user', p_tenant, v_users, true);
  -- The statements from here on see all that was committed before these locks were free.
  v_tenant := find_tenant(p_tenant);
  select
    jsonb_agg(d.vend) filter (where d.leaves is null) as vends,
    jsonb_agg(jsonb_build_array(d.nth, d.leaves)) filter (where d.leaves is not null) as leavers,
    array_agg(distinct d.space) filter (where d.leaves is null) as spaces,
    array_agg(distinct d.role) filter (where d.leaves is null) as roles
  into v_group
  from decide_group(v_tenant, p_requests, v_spaces, v_users, p_vends_per_minute, p_limits) as d;
  if v_group.vends is not null then
    v_key := signing_key_to_use(p_tenant);
    v_now := date_trunc('milliseconds', clock_timestamp());
    perform record_grants(p_tenant, v_group.vends, v_group.roles, v_key, v_now, p_limits);
    perform
      write_vend_entries(array(select jsonb_populate_recordset(null::public.unsealed_vends, v_group.vends)));
  end if;
  return group_answer(v_tenant, v_group.spaces, v_group.roles, v_key, v_now, v_group.vends, v_group.leavers);
end;
$$;
