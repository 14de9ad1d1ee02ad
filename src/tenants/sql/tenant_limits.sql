-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Lists the tenants for which the operator has set limits of their own, or a weight.
create function tenant_limits()
returns table (tenant text, limits jsonb, weight integer)
language sql
stable
as $$
  select t.id, t.limits, t.weight from public.tenants as t where t.limits != '{}' or t.weight != 1;
$$;
