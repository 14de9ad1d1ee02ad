-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns those of the spaces that are ready and not deleted, as find_space does for one.
create function find_spaces(p_tenant text, p_spaces text[])
returns setof public.spaces
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return query
    select *
    from public.spaces
    where tenant_id = p_tenant and id = any (p_spaces) and ready_at is not null and deleted_at is null;
end;
$$;
