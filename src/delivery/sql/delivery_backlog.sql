-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Counts the deliveries of all tenants that IVS refuses (stuck), and those that have waited for longer than
-- p_overdue_after since they were due for the first time (overdue). Deliveries are overdue if there are more than the
-- rates allow, if IVS fails, or if no replica delivers. oldest_seconds is the age of the oldest delivery that is needed
-- and not done, since it was due for the first time; 0 if there is none.
create function delivery_backlog(p_overdue_after interval)
returns table (stuck bigint, overdue bigint, oldest_seconds double precision)
language sql
stable
as $$
  select
    count(*) filter (where waiting.state = 'stuck'),
    count(*) filter (where waiting.state = 'pending' and waiting.age > p_overdue_after),
    coalesce(extract(epoch from max(waiting.age)), 0)::double precision
  from (
    select
      d.state,
      -- A delivery without an attempt is due from next_at on. The build before does not write needed_since.
      now() - case when d.attempts = 0 then greatest(d.needed_since, d.next_at) else d.needed_since end as age
    from public.deliveries as d
    where d.state in ('pending', 'stuck') and d.needed_since <= now()
  ) as waiting
  where waiting.age >= interval '0';
$$;
