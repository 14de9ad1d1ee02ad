-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Takes one step in marking the grants whose tokens a signing key has signed as revoked: IVS does not accept these
-- tokens any more. A step marks at most p_limit unexpired grants that expire at p_from or later. Returns { "revoked":
-- how many, "from": p_from of the next step }.
create function revoke_grants_of_key(p_tenant text, p_key text, p_from timestamptz, p_limit integer)
returns jsonb
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  v_revoked bigint;
  v_last timestamptz;
  v_spaces text[];
  v_users text[];
  v_events jsonb;
begin
  perform set_config('app.tenant_id', p_tenant, true);
  with
    next as (
      select id
      from public.grants
      where
        tenant_id = p_tenant
        and signing_key_id = p_key
        and expires_at > now()
        and expires_at >= p_from
        and state in ('released', 'watched')
      order by expires_at
      limit p_limit
    ),
    marked as (
      update public.grants
      set state = 'revoked'
      where tenant_id = p_tenant and id = any (array(select id from next)) and state in ('released', 'watched')
      returning expires_at, space_id, user_id, grant_revoked_event(grants) as event
    )
  select count(*), max(expires_at), array_agg(space_id), array_agg(user_id), jsonb_agg(event)
  into v_revoked, v_last, v_spaces, v_users, v_events
  from marked;
  perform note_places(p_tenant, v_spaces, v_users);
  if v_events is not null then
    perform write_events(p_tenant, v_events);
  end if;
  return jsonb_build_object('revoked', v_revoked, 'from', coalesce(v_last, p_from));
end;
$$;
