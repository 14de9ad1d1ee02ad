-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the ids of the tenant's spaces that are frozen.
create function frozen_spaces(p_tenant text)
returns text[]
language sql
stable
as $$
  select coalesce(array_agg(id order by id), '{}')
  from public.spaces
  where tenant_id = p_tenant and frozen_at is not null and deleted_at is null;
$$;
