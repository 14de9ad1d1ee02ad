-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Ends open deliveries that are not needed any more, such as those of a ban that has ended, p_most at most.
create function expire_deliveries(p_most integer)
returns void
language plpgsql
set enable_seqscan = off
as $$
declare
  v_now timestamptz := clock_timestamp(); -- read once, so that Postgres can use an index
  v_over tid[] := array(
    select ctid
    from public.deliveries
    where state in ('pending', 'stuck') and needed_until < v_now and leased_until < v_now
    order by needed_until
    limit p_most
    for update skip locked
  );
begin
  update public.deliveries
  set
    state = 'expired',
    done_at = now()
  where ctid = any (v_over);
end;
$$;
