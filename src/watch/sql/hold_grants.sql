-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Holds grants for an action: stage grants, and chat grants whose session may still last. p_watch_from is the time from
-- which looks count. p_until is the end of the ban that the holds are for, or null.
create function hold_grants(
  p_tenant text,
  p_action text,
  p_grants public.grants[],
  p_watch_for text,
  p_watch_from timestamptz,
  p_until timestamptz
)
returns void
language plpgsql
as $$
begin
  insert into public.holds (
    tenant_id, grant_id, action_id, space_id, watch_for, watch_from, until, kind, ivs_user_id, participant_id,
    expires_at
  )
  select
    p_tenant, id, p_action, space_id, p_watch_for, p_watch_from, p_until, kind, ivs_user_id, participant_id, expires_at
  from unnest(p_grants)
  where kind = 'stage' or session_expires_at > now();
end;
$$;
