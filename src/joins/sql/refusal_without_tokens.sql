-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns what admit returns if the space and the role allow none of the requested tokens.
create function refusal_without_tokens(p_space public.spaces, p_role public.roles)
returns jsonb
language sql
immutable
as $$
  select
    jsonb_build_object(
      'refused', 'nothing_to_give', 'role', p_role.name,
      'space', jsonb_build_object('stage', p_space.stage_arn is not null, 'room', p_space.room_arn is not null)
    );
$$;
