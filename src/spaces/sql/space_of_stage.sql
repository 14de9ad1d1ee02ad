-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Returns the id of the tenant's space that has a stage, or null. Deleted spaces have none.
create function space_of_stage(p_tenant text, p_stage_arn text)
returns text
language sql
stable
as $$
  select id from public.spaces where tenant_id = p_tenant and stage_arn = p_stage_arn and deleted_at is null;
$$;
