-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Returns the ARN of the stage or room (p_part) that a deleted space had adopted, if another space of the tenant has
-- it now. Else it returns null.
create function adopted_again(p_space public.spaces, p_part text)
returns text
language plpgsql
stable
as $$
begin
  if p_part = 'stage' and p_space.former_stage_arn is not null then
    return (
      select n.stage_arn
      from public.spaces as n
      where n.tenant_id = p_space.tenant_id and n.stage_arn = p_space.former_stage_arn and n.deleted_at is null
      limit 1
    );
  end if;
  if p_part = 'room' and p_space.former_room_arn is not null then
    return (
      select n.room_arn
      from public.spaces as n
      where n.tenant_id = p_space.tenant_id and n.room_arn = p_space.former_room_arn and n.deleted_at is null
      limit 1
    );
  end if;
  return null;
end;
$$;
