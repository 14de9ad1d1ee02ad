-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records the tokens that were made, and the grants whose tokens were not made. Returns how many grants of p_made were
-- still open.
-- p_made: [{ "id", "mint"?, "participantId"?, "signingKeyId"?, "expiresAt", "sessionExpiresAt" }]. p_state is
-- 'released', or 'refused' if the tokens may not leave. Grants in p_failed become refused.
create function settle_grants(p_tenant text, p_made jsonb, p_failed text[], p_state text)
returns integer
language plpgsql
set enable_seqscan = off
as $$
declare
  v_made record;
  v_settled integer := 0;
  v_spaces text[];
  v_users text[];
begin
  for v_made in
    select *
    from
      jsonb_to_recordset(p_made) as m (
        id text,
        mint text,
        "participantId" text,
        "signingKeyId" text,
        "expiresAt" timestamptz,
        "sessionExpiresAt" timestamptz
      )
  loop
    update public.grants
    set
      state = p_state,
      checked_at = clock_timestamp(),
      mint = v_made.mint,
      participant_id = v_made."participantId",
      signing_key_id = v_made."signingKeyId",
      expires_at = v_made."expiresAt",
      session_expires_at = v_made."sessionExpiresAt"
    where tenant_id = p_tenant and id = v_made.id and state in ('pending', 'released');
    if found then
      v_settled := v_settled + 1;
    end if;
  end loop;
  if cardinality(p_failed) > 0 then
    update public.grants set state = 'refused' where tenant_id = p_tenant and id = any (p_failed);
  end if;
  select array_agg(space_id), array_agg(user_id)
  into v_spaces, v_users
  from public.grants
  where tenant_id = p_tenant and id = any (p_failed || array(select m ->> 'id' from jsonb_array_elements(p_made) as m));
  perform note_places(p_tenant, v_spaces, v_users);
  return v_settled;
end;
$$;
