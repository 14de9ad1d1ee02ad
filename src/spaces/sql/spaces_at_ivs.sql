-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Lists the tenant's spaces, deleted ones too, with their stages and rooms at IVS. An ARN is null if the space has no
-- such part or has it no more. A deleted space has it again while another space of the tenant has adopted it: the
-- tokens of the deleted space work there. The planner inlines this function into the query that uses it.
create function spaces_at_ivs(p_tenant text)
returns table (space_id text, stage_arn text, room_arn text, is_deleted boolean)
language sql
stable
as $$
  select
    s.id, coalesce(s.stage_arn, adopted_again(s, 'stage')), coalesce(s.room_arn, adopted_again(s, 'room')),
    s.deleted_at is not null and adopted_again(s, 'stage') is null and adopted_again(s, 'room') is null
  from public.spaces as s
  where s.tenant_id = p_tenant;
$$;
