-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Mends the times of open deliveries after the clock of the database was set back. No lease is longer than p_lease, and
-- no delivery waits longer than p_backoff, so what lies further ahead is due now. A follow-up waits until the last
-- token of its user can no longer connect. IVS may carry out a call for the limit callLandsSeconds, counted from now.
create function mend_delivery_times(p_lease interval, p_backoff interval, p_limits jsonb)
returns void
language plpgsql
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_follow_up timestamptz := v_now + limit_time(p_limits, 'chatConnectSeconds') + limit_time(
    p_limits, 'followUpSeconds'
  );
  v_lands_until timestamptz := v_now + limit_time(p_limits, 'callLandsSeconds');
begin
  update public.deliveries
  set lands_until = v_lands_until
  where lands_until > v_lands_until and lands_until > 'epoch'; -- as the index says
  update public.deliveries
  set
    leased_until = 'epoch',
    lands_until = v_lands_until
  where state in ('pending', 'stuck') and leased_until > v_now + p_lease;
  update public.deliveries
  set next_at = v_now
  where state in ('pending', 'stuck') and next_at > v_now + p_backoff and (attempts > 0 or not follow_up);
  update public.deliveries
  set next_at = v_follow_up
  where state in ('pending', 'stuck') and next_at > v_follow_up;
end;
$$;
