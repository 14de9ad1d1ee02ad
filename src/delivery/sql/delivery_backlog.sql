-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Counts the deliveries of all tenants that IVS refuses (stuck), and those that have been due for longer than
-- p_overdue_after (overdue). Deliveries are overdue if there are more than the rates allow, or if no replica delivers.
create function delivery_backlog(p_overdue_after interval)
returns table (stuck bigint, overdue bigint)
language sql
stable
as $$
  select
    (select count(*) from public.deliveries where state = 'stuck'),
    (select count(*) from public.deliveries where state = 'pending' and next_at < now() - p_overdue_after);
$$;
