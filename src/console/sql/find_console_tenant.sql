-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Returns the id of the tenant with this slug, before anybody has signed in; null: there is none.
create function find_console_tenant(p_slug text)
returns text
language sql
stable
as $$
  select tenant_of_slug(p_slug);
$$;
