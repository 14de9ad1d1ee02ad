-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Builds the answer of admit when neither the space nor the role has anything that was asked for.
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
