-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the roles of a user's member rows in all spaces of the tenant. Rows that do not bind the rank p_rank do not
-- count.
create function binding_member_roles(p_tenant text, p_user text, p_rank integer)
returns text[]
language sql
stable
as $$
  select coalesce(array_agg(distinct role), '{}')
  from public.members
  where tenant_id = p_tenant and user_id = p_user and binds(by_rank, p_rank);
$$;
