-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records the grant of an exchange token for a participant of the user. IVS accepts one that Stagedoor signed, with the
-- same participant id. Its role is that of the member row of the user, which is their own and gives them its rank. A
-- default role would give them none. Returns what admission_answer returns, and "participantId". Returns null if there
-- is no such row, if the checks of admit, without capacity and rate, do not allow the token, or if the user has no
-- participant for it. The transaction holds the lock of the user. p_pseudonym is as in ban_in_force.
create function admit_exchange(p_tenant text, p_space text, p_user text, p_pseudonym text, p_grant text, p_limits jsonb)
returns jsonb
language plpgsql
as $$
declare
  v_tenant public.tenants := find_tenant(p_tenant);
  v_space public.spaces := find_space(p_tenant, p_space);
  v_role public.roles := find_role(p_tenant, member_role(p_tenant, p_space, p_user, null));
  v_key public.signing_keys := signing_key_to_use(p_tenant);
  v_old public.grants := grant_to_exchange(p_tenant, p_space, p_user, v_role, p_limits);
  v_now timestamptz := date_trunc('milliseconds', clock_timestamp());
begin
  if
    v_old.id is null
    or v_tenant.status is distinct from 'active'
    or v_space.status is distinct from 'open'
    or v_space.stage_arn is null
    or v_role.stage_ttl_seconds is null
    or v_key.state is distinct from 'active'
    or (v_space.frozen_at is not null and not v_role.moderator)
    or ban_refusal(p_tenant, p_user, p_space, v_role.rank, p_pseudonym) is not null
    or participant_is_disconnected(p_tenant, v_old.space_id, v_old.participant_id)
  then
    return null;
  end if;
  perform
    record_stage_grant(
      p_tenant, p_grant, p_space, p_user, v_old.ivs_user_id, v_role, v_key, v_old.participant_id, v_now
    );
  perform note_places(p_tenant, array[p_space], array[p_user]);
  perform note_issued_grants(array[p_tenant], array[p_grant]);
  return admission_answer(
    v_tenant, v_space, v_role, v_key, v_old.ivs_user_id, v_now, 0, true, false
  ) || jsonb_build_object('participantId', v_old.participant_id);
end;
$$;
