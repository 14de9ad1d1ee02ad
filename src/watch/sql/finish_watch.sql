-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records the result of a look at a stage. Each participant who may not be there gets a DisconnectParticipant. Returns
-- how many they are. Sets the time of the next look, or ends the watch.
-- p_connected: { participantId: { "userId", "publishing", "exceeds"? } } as of p_looked_at. exceeds is present for
-- demoted participants whose events were read: whether they have more rights than they may have. p_next_seconds is the
-- time until the next look.
-- Bans of people on this stage wait meanwhile. So every statement starts from the holds, and finds the connected by
-- key.
create function finish_watch(
  p_tenant text,
  p_space text,
  p_looked_at timestamptz,
  p_connected jsonb,
  p_next_seconds double precision,
  p_limits jsonb
)
returns integer
language plpgsql
as $$
declare
  v_found integer;
  v_next timestamptz;
begin
  perform set_config('app.tenant_id', p_tenant, true);
  -- A transaction that changes the holds has this lock before, or waits for it. No row: the watch has ended.
  perform from public.watches where tenant_id = p_tenant and space_id = p_space for update;
  if not found then
    return 0;
  end if;
  perform end_overdue_holds(p_tenant, p_space);
  v_found := add_found_disconnects(p_tenant, p_space, p_looked_at, p_connected, p_limits);
  perform reprioritize_deliveries(p_tenant, p_space, p_looked_at, p_connected, p_limits);
  perform end_answered_holds(p_tenant, p_space, p_looked_at, p_connected, p_limits);

  v_next := clock_timestamp() + make_interval(secs => p_next_seconds);
  -- A demoted participant whose events were read waits until the next look.
  update public.holds
  set watch_from = v_next
  where
    tenant_id = p_tenant
    and space_id = p_space
    and watch_for = 'demoted'
    and watch_from < p_looked_at
    and p_connected -> participant_id ? 'exceeds';

  if exists (select from public.holds where tenant_id = p_tenant and space_id = p_space and kind = 'stage') then
    update public.watches
    set
      leased_until = 'epoch',
      next_at = v_next
    where tenant_id = p_tenant and space_id = p_space;
  else
    delete from public.watches where tenant_id = p_tenant and space_id = p_space and next_at < p_looked_at;
    update public.watches set leased_until = 'epoch' where tenant_id = p_tenant and space_id = p_space;
  end if;
  return v_found;
end;
$$;
