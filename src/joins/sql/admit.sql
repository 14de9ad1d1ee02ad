-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Decides on one vend and records its grants, in one round trip.
-- Returns { "refused": code, ... } and records nothing, or what admission_answer returns. If the user may have one live
-- token, older ones are revoked (replace_live_tokens): p_older_action and p_older_entry are the ids of the action and
-- of its audit entry. p_repeats are grants of an earlier try of the same request, which do not stand against it.
-- p_stage_grant and p_chat_grant are the ids of the grants to record; null for a token that was not requested.
-- p_role_asked is the role that an API key names. p_roles_claimed has the names of the roles that the user's JWT
-- claims. p_participant is the participant id for a token that Stagedoor signs, unless p_staying, a participant who is
-- on the stage, may stay (participant_may_stay). Null p_staying: there is none.
-- p_audit_entry is the id of the audit entry of the vend, and p_outranked_entry of one that tells that a member row
-- does not bind the user.
-- A refusal has the code of the first check that fails. { "refused": "outranks", "ban", "rank" } is none: the user has
-- a rank that a ban does not bind. Once the ban is ended, admit is called again.
create function admit(
  p_tenant text,
  p_caller_kind text,
  p_credential text,
  p_caller jsonb,
  p_space text,
  p_user text,
  p_pseudonym text,
  p_role_asked text,
  p_roles_claimed text[],
  p_stage_grant text,
  p_chat_grant text,
  p_participant text,
  p_staying text,
  p_audit_entry text,
  p_outranked_entry text,
  p_audit_action text,
  p_request text,
  p_vends_per_minute integer,
  p_limits jsonb,
  p_older_action text,
  p_older_entry text,
  p_repeats text[]
)
returns jsonb
language plpgsql
set enable_seqscan = off
as $$
declare
  v_tenant public.tenants;
  v_space public.spaces;
  v_own_role text;
  v_role public.roles;
  v_decision jsonb;
  v_participant text := p_participant;
begin
  perform set_config('app.tenant_id', p_tenant, true);
  v_tenant := find_tenant(p_tenant);
  -- The space is read under its lock, and the bans under that of the user. What held the locks before is seen.
  perform lock_space(p_tenant, p_space, false);
  v_space := find_space(p_tenant, p_space);
  perform lock_user(p_tenant, p_user, v_tenant.one_live_token != 'off');
  v_own_role := coalesce(p_role_asked, role_name_in_space(p_tenant, p_space, p_user, p_roles_claimed, null));
  v_role := find_role(p_tenant, coalesce(v_own_role, v_space.default_role));
  v_decision := decide_admission(
    v_tenant, v_space, v_role, p_user, p_pseudonym, v_own_role, p_caller_kind, p_credential, p_stage_grant is not null,
    p_chat_grant is not null, p_vends_per_minute, false, p_limits, p_staying, p_repeats
  );
  if not v_decision ? 'refused' and v_tenant.one_live_token != 'off' then
    v_decision := coalesce(
      replace_live_tokens(
        v_tenant, v_space, v_role, p_user, p_pseudonym, v_decision, p_staying, p_older_action, p_older_entry, p_request,
        p_limits
      ),
      v_decision
    );
  end if;
  if v_decision ? 'refused' then
    return v_decision;
  end if;

  if p_role_asked is null and v_role.name = any (p_roles_claimed) then
    perform
      note_outranked_member(p_tenant, p_space, p_user, v_role.rank, p_caller, p_outranked_entry, p_request);
  end if;
  -- A participant who is disconnected after this look cannot join with the token. The watch sees them as before.
  if p_staying is not null and participant_may_stay(p_tenant, p_space, p_user, p_staying) then
    v_participant := p_staying;
  end if;
  return record_admission(
    v_tenant, v_space, v_role, p_user, p_pseudonym, case when (v_decision -> 'stage')::boolean then p_stage_grant end,
    case when (v_decision -> 'chat')::boolean then p_chat_grant end, v_participant, p_caller, p_audit_entry,
    p_audit_action, p_request, (v_decision -> 'used')::integer + 1, p_limits
  ) || jsonb_build_object('participantId', v_participant);
end;
$$;
