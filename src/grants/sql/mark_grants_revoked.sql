-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Marks grants as revoked: IVS has confirmed that nobody can use their tokens any more. With p_mint it marks only
-- grants of that mint. It writes their events.
create function mark_grants_revoked(p_tenant text, p_ids text[], p_mint text)
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  v_spaces text[];
  v_users text[];
  v_events jsonb;
begin
  with
    revoked as (
      update public.grants
      set state = 'revoked'
      where
        tenant_id = p_tenant
        and id = any (p_ids)
        and (p_mint is null or mint = p_mint)
        and state in ('released', 'watched')
      returning space_id, user_id, grant_revoked_event(grants) as event
    )
  select array_agg(space_id), array_agg(user_id), jsonb_agg(event)
  into v_spaces, v_users, v_events
  from revoked;
  perform note_places(p_tenant, v_spaces, v_users);
  if v_events is not null then
    perform write_events(p_tenant, v_events);
  end if;
end;
$$;
