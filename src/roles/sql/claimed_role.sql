-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the role of a user whose JWT claims roles with these names: the role of highest rank among those that the
-- tenant has. If several have that rank, it is the one whose name comes first, byte by byte, because providers list the
-- roles of a user in any order. A null row means that the tenant has none of them.
create function claimed_role(p_tenant text, p_names text[])
returns public.roles
language plpgsql
stable
set enable_seqscan = off
as $$
declare
  v_role public.roles;
begin
  select *
  into v_role
  from public.roles
  where tenant_id = p_tenant and name = any (p_names)
  order by rank desc, name collate "C"
  limit 1;
  return v_role;
end;
$$;
