-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Returns the id of the tenant with this slug, or null. Every API key contains the slug of its tenant.
create function tenant_of_slug(p_slug text)
returns text
language sql
stable
as $$
  select id from public.tenants where slug = p_slug;
$$;
