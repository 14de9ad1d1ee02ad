-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Lists the spaces whose tokens work on the stage (kind stage) and in the room (kind chat) of a space: the space
-- itself, and deleted spaces that had adopted the same stage or room before it.
create function spaces_sharing(p_tenant text, p_space text)
returns table (space_id text, kind text)
language sql
stable
as $$
  select p_space, unnest(array['stage', 'chat'])
  union all
  select o.id, 'stage'
  from
    public.spaces as n
    join public.spaces as o on o.tenant_id = n.tenant_id and o.former_stage_arn = n.stage_arn
  where n.tenant_id = p_tenant and n.id = p_space and n.deleted_at is null
  union all
  select o.id, 'chat'
  from
    public.spaces as n
    join public.spaces as o on o.tenant_id = n.tenant_id and o.former_room_arn = n.room_arn
  where n.tenant_id = p_tenant and n.id = p_space and n.deleted_at is null;
$$;
