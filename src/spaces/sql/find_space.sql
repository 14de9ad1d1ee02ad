-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Returns the space if it is ready and not deleted. Else it returns a null row.
create function find_space(p_tenant text, p_space text)
returns public.spaces
language plpgsql
stable
set enable_seqscan = off
as $$
declare
  v_space public.spaces;
begin
  select *
  into v_space
  from public.spaces
  where tenant_id = p_tenant and id = p_space and ready_at is not null and deleted_at is null;
  return v_space;
end;
$$;
