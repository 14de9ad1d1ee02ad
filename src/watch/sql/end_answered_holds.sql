-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Ends the stage holds that a look has made unnecessary. For these the grant had expired before the look, no delivery
-- about the grant is open, and the look did not find the participant, or found a demoted one who does not exceed what
-- they may do.
create function end_answered_holds(
  p_tenant text,
  p_space text,
  p_looked_at timestamptz,
  p_connected jsonb,
  p_limits jsonb
)
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  v_expired_before timestamptz := p_looked_at - limit_time(p_limits, 'lookMarginSeconds');
begin
  delete from public.holds
  where
    tenant_id = p_tenant
    and space_id = p_space
    and kind = 'stage'
    and expires_at < v_expired_before
    and watch_from < p_looked_at
    and not (
      coalesce(p_connected ? participant_id, false)
      and (watch_for != 'demoted' or (p_connected -> participant_id ->> 'exceeds')::boolean is not false)
    )
    and not has_open_delivery(p_tenant, grant_id);
end;
$$;
