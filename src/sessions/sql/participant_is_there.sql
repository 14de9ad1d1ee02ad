-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether a participant is on the stage of a space, as far as looks and events of IVS have told.
create function participant_is_there(p_tenant text, p_space text, p_participant text)
returns boolean
language sql
stable
as $$
  select
    exists (
      select
      from public.stage_participants
      where tenant_id = p_tenant and space_id = p_space and participant_id = p_participant and left_at is null
    );
$$;
