-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records the result of a step of a look at a stage. Each participant who may not be there gets a
-- DisconnectParticipant. Returns how many they are. Sets the time of the next step, or ends the watch.
-- p_connected: { participantId: { "userId", "publishing", "exceeds"? } } as of p_looked_at. exceeds is present for
-- demoted participants whose events were read: whether they have more rights than they may have.
-- p_step: { "since"?, "sweep"?, "pages"?, "error"?, "failsIn", "nextIn", "unspent" }. since is the beginning of the
-- look that ends with this step. sweep is what the next step needs of a look that goes on. pages is the number of pages
-- of the list of everybody, if the step has learnt it. With an error, the acts that rest on the look count as pending
-- after failsIn seconds. nextIn is the number of seconds until the next step. unspent is the number of reserved
-- ListParticipants that were not made.
-- Bans of people on this stage wait meanwhile. So every statement finds its rows by index.
create function finish_watch(
  p_tenant text,
  p_space text,
  p_looked_at timestamptz,
  p_connected jsonb,
  p_step jsonb,
  p_burst double precision,
  p_limits jsonb
)
returns integer
language plpgsql
set enable_seqscan = off
as $$
declare
  v_found integer;
  v_since timestamptz := (p_step ->> 'since')::timestamptz;
  v_interval interval := limit_time(p_limits, 'lookIntervalSeconds');
begin
  perform set_config('app.tenant_id', p_tenant, true);
  perform return_look_calls(p_tenant, (p_step ->> 'unspent')::integer, p_burst);
  -- A transaction that changes the holds has this lock before, or waits for it. No row: the watch has ended.
  perform from public.watches where tenant_id = p_tenant and space_id = p_space for update;
  if not found then
    return 0;
  end if;
  perform end_overdue_holds(p_tenant, p_space, limit_count(p_limits, 'cancelledAtOnce'));
  v_found := add_found_disconnects(p_tenant, p_space, p_looked_at, p_connected, p_limits);
  perform reprioritize_deliveries(p_tenant, p_space, p_looked_at, v_since, p_connected, p_limits);
  if p_step ? 'sweep' then
    perform note_seen(p_tenant, p_space, p_looked_at, p_connected);
  end if;
  perform end_answered_holds(p_tenant, p_space, p_looked_at, v_since, p_connected, p_limits);

  -- A demoted participant whose events were read waits until the next look.
  update public.holds
  set watch_from = clock_timestamp() + v_interval
  where
    tenant_id = p_tenant
    and space_id = p_space
    and kind = 'stage'
    and watch_for = 'demoted'
    and watch_from < p_looked_at
    and participant_id = any (array(select key from jsonb_each(p_connected) where value ? 'exceeds'));

  if exists (select from public.holds where tenant_id = p_tenant and space_id = p_space and kind = 'stage') then
    perform plan_next_step(p_tenant, p_space, p_looked_at, p_step);
  else
    delete from public.watches where tenant_id = p_tenant and space_id = p_space and next_at < p_looked_at;
    update public.watches
    set
      leased_until = 'epoch',
      sweep = null
    where tenant_id = p_tenant and space_id = p_space;
  end if;
  return v_found;
end;
$$;
