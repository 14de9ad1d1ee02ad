-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Notes how many bans of a tenant are in force now. If somebody else is noting it, or changes the tenant, it notes
-- nothing, so that no ban waits for another.
create function note_count_of_bans(p_tenant text, p_counted integer)
returns void
language sql
as $$
  update public.tenants
  set
    bans_counted = p_counted,
    bans_counted_at = date_trunc('milliseconds', now()) -- as the column would round it, it could lie ahead
  where id = (select id from public.tenants where id = p_tenant for no key update skip locked);
$$;
