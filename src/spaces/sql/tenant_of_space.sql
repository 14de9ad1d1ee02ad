-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Returns the id of the tenant that owns a space, or null. A deleted space has its owner too.
create function tenant_of_space(p_space text)
returns text
language sql
stable
as $$
  select tenant_id from public.spaces where id = p_space;
$$;
