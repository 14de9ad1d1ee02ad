-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Ends a vend that IVS had a part in. It records what IVS made (settle_grants), and checks once more that the tokens
-- may leave. Returns null, or { "refused": code, ... } if the user was banned since admit, or if the vend took so long
-- that its grants were swept.
create function settle(p_tenant text, p_user text, p_space text, p_made jsonb, p_failed text[])
returns jsonb
language plpgsql
set enable_seqscan = off
as $$
declare
  v_refusal jsonb;
  v_settled integer;
begin
  perform set_config('app.tenant_id', p_tenant, true);
  perform lock_user(p_tenant, p_user, false);
  v_refusal := ban_refusal(p_tenant, p_user, p_space);
  v_settled := settle_grants(
    p_tenant, p_made, p_failed, case when v_refusal is null then 'released' else 'refused' end
  );
  if v_refusal is not null then
    return v_refusal;
  end if;
  if v_settled < jsonb_array_length(p_made) then
    return refusal('too_slow');
  end if;
  return null;
end;
$$;
