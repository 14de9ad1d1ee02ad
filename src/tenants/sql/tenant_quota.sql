-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns how many things of a kind the tenant may have: what the operator has set, else p_usual. With p_lock, other
-- transactions that call it so for the same kind wait until this one ends. Whoever counts after that sees what they
-- have made.
create function tenant_quota(p_tenant text, p_kind text, p_usual integer, p_lock boolean)
returns integer
language plpgsql
as $$
begin
  if p_lock then
    perform take_lock('quota', array[p_tenant, p_kind], true);
  end if;
  return (select coalesce((quotas ->> p_kind)::integer, p_usual) from public.tenants where id = p_tenant);
end;
$$;
