-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the roles of a user's member rows in one space. Null p_space means all spaces of the tenant.
create function member_roles(p_tenant text, p_space text, p_user text)
returns text[]
language sql
stable
as $$
  select coalesce(array_agg(distinct role), '{}')
  from public.members
  where tenant_id = p_tenant and user_id = p_user and (p_space is null or space_id = p_space);
$$;
