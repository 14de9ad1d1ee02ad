-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Lists the tenant's spaces, deleted ones too, with their stages and rooms at IVS. An ARN is null if the space has no
-- such part or has it no more. The planner inlines this function into the query that uses it.
create function spaces_at_ivs(p_tenant text)
returns table (space_id text, stage_arn text, room_arn text, is_deleted boolean)
language sql
stable
as $$
  select s.id, s.stage_arn, s.room_arn, s.deleted_at is not null from public.spaces as s where s.tenant_id = p_tenant;
$$;
