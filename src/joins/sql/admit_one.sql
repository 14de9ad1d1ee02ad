-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Decides as admit does on the only vend of its tenant in a group. It costs less than admit_group for one vend. It
-- never waits for a lock. Where admit waits, or does something before it decides, the vend leaves the group, and admit
-- decides on it. p_requests is as in vend_requests, with one request.
-- Returns { "decision" }, what admit returns, or { "left": reason }.
create function admit_one(p_tenant text, p_requests jsonb, p_vends_per_minute integer, p_limits jsonb)
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
  v_decision jsonb;
  v_leaves text;
  v_participant text;
begin
  perform set_config('app.tenant_id', p_tenant, true);
  select * into v_request from vend_requests(p_requests);
  if
    not try_lock('space', array[p_tenant, v_request.space], false)
    or not try_lock('user', array[p_tenant, v_request."user"], true)
  then
    return jsonb_build_object('left', 'lock');
  end if;
  -- The statements from here on see all that was committed before these locks were free. The lock of the user is
  -- exclusive, so no other vend to them is under way, and the dry decision counts as admit does.
  v_tenant := find_tenant(p_tenant);
  v_space := find_space(p_tenant, v_request.space);
  v_own_role := coalesce(
    v_request.asked, role_name_in_space(p_tenant, v_request.space, v_request."user", v_request.claimed, null)
  );
  v_role := find_role(p_tenant, coalesce(v_own_role, v_space.default_role));
  v_leaves := why_alone(
    v_tenant, v_space, v_role, case when v_own_role is not null then v_role.rank end, v_request."user",
    v_request.pseudonym, case when v_request.asked is null then v_request.claimed end, v_request.chat_grant is not null,
    p_limits
  );
  if v_leaves is not null then
    return jsonb_build_object('left', v_leaves);
  end if;
  v_decision := decide_admission(
    v_tenant, v_space, v_role, v_request."user", v_request.pseudonym, v_own_role, v_request.kind, v_request.credential,
    v_request.stage_grant is not null, v_request.chat_grant is not null, p_vends_per_minute, true, p_limits, null, '{}'
  );
  if (v_decision ->> 'seconds') is not null then
    return jsonb_build_object('left', 'disconnecting');
  end if;
  if v_decision ? 'refused' then
    return jsonb_build_object('decision', v_decision);
  end if;
  v_participant := case
    when v_request.staying is not null
      and participant_may_stay(p_tenant, v_request.space, v_request."user", v_request.staying) then v_request.staying
    else v_request.participant
  end;
  return jsonb_build_object(
    'decision', record_admission(
      v_tenant, v_space, v_role, v_request."user", v_request.pseudonym,
      case when (v_decision -> 'stage')::boolean then v_request.stage_grant end,
      case when (v_decision -> 'chat')::boolean then v_request.chat_grant end, v_participant, v_request.caller,
      v_request.entry, v_request.action, v_request.request, (v_decision -> 'used')::integer + 1, p_limits
    ) || jsonb_build_object('participantId', v_participant)
  );
end;
$$;
