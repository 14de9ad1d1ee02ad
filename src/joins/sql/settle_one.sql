-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Ends the only vend of its tenant in a group of several tenants, as settle_group ends several of one tenant. It costs
-- less for one vend. It never waits for a lock, and refuses nobody: such a vend leaves the group, and settle ends it.
-- The parameters, and what it returns, are as in settle_group.
create function settle_one(p_tenant text, p_requests jsonb)
returns jsonb
language plpgsql
set enable_seqscan = off
as $$
declare
  v_request record;
  v_tenant public.tenants;
  v_space public.spaces;
  v_own_role text;
  v_role public.roles;
  v_refusal jsonb;
  v_made jsonb;
begin
  perform set_config('app.tenant_id', p_tenant, true);
  select * into v_request from vend_requests(p_requests);
  if
    not (
      try_lock('space', array[p_tenant, v_request.space], false)
      and try_lock('user', array[p_tenant, v_request."user"], false)
    )
  then
    return jsonb_build_object('settled', jsonb_build_array(), 'left', jsonb_build_array());
  end if;
  -- The statements from here on see all that was committed before these locks were free.
  v_tenant := find_tenant(p_tenant);
  if v_tenant.one_live_token != 'off' then
    return jsonb_build_object(
      'settled', jsonb_build_array(), 'left', jsonb_build_array(jsonb_build_array(v_request.nth, 'live_token'))
    );
  end if;
  v_space := find_space(p_tenant, v_request.space);
  v_own_role := coalesce(
    v_request.asked, role_name_in_space(p_tenant, v_request.space, v_request."user", v_request.claimed, null)
  );
  v_role := find_role(p_tenant, coalesce(v_own_role, v_space.default_role));
  v_refusal := admission_refusal(
    v_tenant, v_space, v_role, v_request."user", v_own_role, case when v_own_role is not null then v_role.rank end,
    v_request.kind, v_request.credential, v_request.pseudonym
  );
  if v_refusal is not null then
    return jsonb_build_object(
      'settled', jsonb_build_array(),
      'left', jsonb_build_array(jsonb_build_array(v_request.nth, v_refusal -> 'refused'))
    );
  end if;
  v_made := p_requests -> 0 -> 'made';
  if not lock_open_grants(p_tenant, array(select m ->> 'id' from jsonb_array_elements(v_made) as m)) then
    return jsonb_build_object('settled', jsonb_build_array(), 'left', jsonb_build_array());
  end if;
  perform settle_grants(p_tenant, v_made, array[]::text[], 'released');
  return jsonb_build_object('settled', jsonb_build_array(v_request.nth), 'left', jsonb_build_array());
end;
$$;
