-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records the tokens that were made for several vends, as settle_grants does for one, and releases them. A vend whose
-- grants are not all open, or are locked by somebody else, is left as it is. It waits for nobody. Returns the "nth" of
-- the vends that it has settled.
-- p_made: as in settle_grants, with "nth": the vend of the grant. Its plans are not kept: a plan that was made while
-- the table was small would read all grants of the tenant.
create function settle_vends(p_tenant text, p_made jsonb)
returns integer[]
language plpgsql
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
as $$
declare
  v_ids text[] := array(select m.id from jsonb_to_recordset(p_made) as m (id text));
  v_settled integer[];
  v_spaces text[];
  v_users text[];
begin
  v_ids := array(
    select g.id
    from public.grants as g
    where g.tenant_id = p_tenant and g.id = any (v_ids) and g.state in ('pending', 'released')
    for update skip locked
  );
  v_settled := array(
    select m.nth
    from jsonb_to_recordset(p_made) as m (nth integer, id text)
    group by m.nth
    having bool_and(m.id = any (v_ids))
  );
  update public.grants as g
  set
    state = 'released',
    checked_at = clock_timestamp(),
    mint = m.mint,
    participant_id = m."participantId",
    signing_key_id = m."signingKeyId",
    expires_at = m."expiresAt",
    session_expires_at = m."sessionExpiresAt"
  from
    jsonb_to_recordset(p_made) as m (
      nth integer,
      id text,
      mint text,
      "participantId" text,
      "signingKeyId" text,
      "expiresAt" timestamptz,
      "sessionExpiresAt" timestamptz
    )
  where g.tenant_id = p_tenant and g.id = any (v_ids) and g.id = m.id and m.nth = any (v_settled);
  select array_agg(g.space_id), array_agg(g.user_id)
  into v_spaces, v_users
  from public.grants as g
  where g.tenant_id = p_tenant and g.id = any (v_ids);
  perform note_places(p_tenant, v_spaces, v_users);
  return v_settled;
end;
$$;
