-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Says how well the watches of all tenants are kept. oldest is the age in seconds of the last whole look, or of the
-- watch if there was none, of the watch that waits longest; 0 if none is due. failing is the number of watches whose
-- looks fail. A watch that is not due yet does not count, unless its looks fail.
create function watch_backlog()
returns table (oldest double precision, failing bigint)
language sql
stable
as $$
  select
    coalesce(
      extract(
        epoch from max(clock_timestamp() - coalesce(looked_at, began_at)) filter (
          where next_at <= clock_timestamp() or last_error is not null
        )
      ),
      0
    )::double precision,
    count(*) filter (where failing_from <= clock_timestamp())
  from public.watches;
$$;
