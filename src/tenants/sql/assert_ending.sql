-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Raises an error unless the tenant is being ended. Each function that deletes all rows of a tenant calls it first.
create function assert_ending(p_tenant text)
returns void
language plpgsql
as $$
begin
  if not exists (select from public.tenants where id = p_tenant and ending_at is not null and ended_at is null) then
    raise exception 'the tenant % is not being ended', p_tenant;
  end if;
end;
$$;
