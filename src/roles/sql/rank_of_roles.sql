-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the highest rank of these roles; -1 if the tenant has none of them.
create function rank_of_roles(p_tenant text, p_names text[])
returns integer
language sql
stable
as $$
  select coalesce(max(rank), -1) from public.roles where tenant_id = p_tenant and name = any (p_names);
$$;
