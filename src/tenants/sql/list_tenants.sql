-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Lists every tenant by id, for the command that verifies the audit log.
create function list_tenants()
returns table (id text, slug text)
language sql
stable
as $$
  select t.id, t.slug from public.tenants as t order by t.id;
$$;
