-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Finds how many bans of a tenant were in force when they were counted last, and when that was. There is no row if that
-- is more than a day ago, or if the clock was set back since.
create function last_count_of_bans(p_tenant text)
returns table (counted integer, counted_at timestamptz)
language sql
stable
as $$
  select bans_counted, bans_counted_at
  from public.tenants
  where id = p_tenant and bans_counted_at between now() - interval '1 day' and now();
$$;
