-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Ends a vend that IVS had a part in. It records what IVS made (settle_grants), and makes the checks of admit once more
-- that do not depend on other vends (admission_refusal). Returns null, or { "refused": code, ... } if the tokens may
-- not leave any more, if a newer vend has replaced them (oneLiveToken), or if the vend took so long that its grants
-- were swept. Then none of p_grants, the grants of the vend, stays released. p_pseudonym is as in admit.
create function settle(
  p_tenant text,
  p_caller_kind text,
  p_credential text,
  p_user text,
  p_space text,
  p_role_asked text,
  p_roles_claimed text[],
  p_grants text[],
  p_made jsonb,
  p_failed text[],
  p_pseudonym text,
  p_limits jsonb
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
  v_refusal jsonb;
  v_settled integer;
begin
  perform set_config('app.tenant_id', p_tenant, true);
  v_tenant := find_tenant(p_tenant);
  perform lock_space(p_tenant, p_space, false);
  v_space := find_space(p_tenant, p_space);
  perform lock_user(p_tenant, p_user, false);
  v_own_role := coalesce(p_role_asked, role_name_in_space(p_tenant, p_space, p_user, p_roles_claimed, null));
  v_role := find_role(p_tenant, coalesce(v_own_role, v_space.default_role));
  v_refusal := admission_refusal(
    v_tenant, v_space, v_role, p_user, v_own_role, case when v_own_role is not null then v_role.rank end, p_caller_kind,
    p_credential, p_pseudonym
  );
  v_settled := settle_grants(
    p_tenant, p_made, p_failed, case when v_refusal is null then 'released' else 'refused' end
  );
  if v_refusal is null then
    v_refusal := case
      when has_other_live_token(v_tenant, p_space, p_user, p_grants, p_limits) then refusal('replaced')
      when v_settled < jsonb_array_length(p_made) then refusal('too_slow')
    end;
  end if;
  if v_refusal is not null then
    perform refuse_grants(p_tenant, p_grants);
  end if;
  return v_refusal;
end;
$$;
