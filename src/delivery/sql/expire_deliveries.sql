-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Ends open deliveries that are not needed any more, such as those of a ban that has ended.
create function expire_deliveries()
returns void
language plpgsql
as $$
declare
  v_now timestamptz := clock_timestamp(); -- read once, so that Postgres can use an index
begin
  update public.deliveries
  set
    state = 'expired',
    done_at = now()
  where state in ('pending', 'stuck') and leased_until < v_now and needed_until < v_now;
end;
$$;
