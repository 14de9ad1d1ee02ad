-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says what admit would decide now, and what it would look at. It changes nothing, and waits for nobody.
-- Returns { "decision", "facts" }. The decision is that of decide_admission; facts are admission_facts. Returns null if
-- there is no such space. The transaction has entered the tenant. The parameters are as those of admit.
create function explain_admission(
  p_tenant text,
  p_caller_kind text,
  p_credential text,
  p_space text,
  p_user text,
  p_pseudonym text,
  p_role_asked text,
  p_roles_claimed text[],
  p_stage boolean,
  p_chat boolean,
  p_vends_per_minute integer,
  p_limits jsonb,
  p_staying text
)
returns jsonb
language plpgsql
set enable_seqscan = off
as $$
declare
  v_tenant public.tenants := find_tenant(p_tenant);
  v_space public.spaces := find_space(p_tenant, p_space);
  v_own_role text := coalesce(p_role_asked, role_name_in_space(p_tenant, p_space, p_user, p_roles_claimed, null));
  v_role public.roles := find_role(p_tenant, coalesce(v_own_role, v_space.default_role));
begin
  if v_space.id is null then
    return null;
  end if;
  return jsonb_build_object(
    'decision', decide_admission(
      v_tenant, v_space, v_role, p_user, p_pseudonym, v_own_role, p_caller_kind, p_credential, p_stage, p_chat,
      p_vends_per_minute, true, p_limits, p_staying, '{}'
    ),
    'facts', admission_facts(
      v_space, v_role, p_user, v_own_role, p_roles_claimed, p_limits, p_pseudonym
    ) || jsonb_build_object(
      'oneLiveToken', v_tenant.one_live_token,
      'liveTokens', case
        when v_tenant.one_live_token = 'off' then '[]'::jsonb
        else (
            select coalesce(jsonb_agg(jsonb_build_object('id', g.id, 'kind', g.kind)), '[]')
            from other_live_tokens(v_tenant, v_space, p_user, p_stage, p_chat, p_staying, p_limits) as g
          )
      end
    )
  );
end;
$$;
