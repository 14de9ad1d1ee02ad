-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Ends several vends of a tenant that IVS had a part in, in one round trip. It records what IVS made for those whom the
-- checks of admit plainly allow (standings), and never waits for a lock. Everybody else leaves the group, and settle
-- ends their vend. p_requests: as in admit_group, with "made" as in settle_grants.
-- Returns { "settled": [nth], "left": [[nth, reason]] }. Whoever is in neither leaves because of a lock.
create function settle_group(p_tenant text, p_requests jsonb)
returns jsonb
language plpgsql
set enable_seqscan = off
as $$
declare
  v_tenant public.tenants;
  v_spaces text[];
  v_users text[];
  v_allowed integer[];
  v_left jsonb;
  v_made jsonb;
begin
  perform set_config('app.tenant_id', p_tenant, true);
  select array_agg(distinct r.space), array_agg(distinct r."user")
  into v_spaces, v_users
  from vend_requests(p_requests) as r;
  v_spaces := try_locks('space', p_tenant, v_spaces, false);
  v_users := try_locks('user', p_tenant, v_users, false);
  -- The statements from here on see all that was committed before these locks were free.
  v_tenant := find_tenant(p_tenant);
  select
    array_agg(s.nth) filter (where s.leaves is null and v_tenant.one_live_token = 'off'),
    jsonb_agg(jsonb_build_array(s.nth, coalesce(s.leaves, 'live_token'))) filter (
      where s.leaves is not null or v_tenant.one_live_token != 'off'
    )
  into v_allowed, v_left
  from standings(v_tenant, p_requests, v_spaces, v_users) as s;
  v_made := (
    select jsonb_agg(m.made || jsonb_build_object('nth', r.nth))
    from
      jsonb_to_recordset(p_requests) as r (nth integer, made jsonb)
      cross join lateral jsonb_array_elements(r.made) as m (made)
    where r.nth = any (v_allowed)
  );
  return jsonb_build_object('settled', settle_vends(p_tenant, coalesce(v_made, '[]')), 'left', coalesce(v_left, '[]'));
end;
$$;
