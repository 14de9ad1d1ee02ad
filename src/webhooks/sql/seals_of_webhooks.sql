-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Counts the secrets of webhook endpoints of all tenants by the master key that has sealed them, as seal_of says.
create function seals_of_webhooks()
returns table (seal text, secrets bigint)
language sql
stable
as $$
  select seal_of(s.sealed), count(*)
  from
    public.webhooks as w
    cross join lateral (
      values
        (w.secret),
        (w.previous_secret)
    ) as s (sealed)
  where seal_of(s.sealed) is not null
  group by 1;
$$;
