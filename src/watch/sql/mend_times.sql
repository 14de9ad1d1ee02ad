-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Mends the times of moderation that lie too far ahead after the clock of the database was set back. Otherwise nothing
-- is done until the clock reaches them again. No lease is longer than p_lease. No delivery, no look and no demoted
-- participant waits longer than p_backoff.
create function mend_times(p_lease interval, p_backoff interval, p_limits jsonb)
returns void
language plpgsql
as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  perform mend_pacing();
  perform mend_delivery_times(p_lease, p_backoff, p_limits);
  update public.watches set leased_until = 'epoch' where leased_until > v_now + p_lease;
  update public.watches set next_at = v_now where next_at > v_now + p_backoff;
  update public.holds as h
  set watch_from = v_now
  from public.watches as w
  where h.tenant_id = w.tenant_id and h.space_id = w.space_id and h.kind = 'stage' and h.watch_from > v_now + p_backoff;
end;
$$;
