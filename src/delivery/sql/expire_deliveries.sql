-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Ends deliveries that nobody needs any more, such as those of a ban that has run out.
create function expire_deliveries()
returns void
language plpgsql
as $$
declare
  v_now timestamptz := clock_timestamp(); -- read once, so that an index can serve
begin
  update public.deliveries
  set
    state = 'expired',
    done_at = now()
  where state in ('pending', 'stuck') and leased_until < v_now and needed_until < v_now;
end;
$$;
