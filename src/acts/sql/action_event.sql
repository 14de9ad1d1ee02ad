-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Returns an event about an action, as write_events takes it. p_data is what its data have beside the id and the kind.
create function action_event(p_action public.actions, p_type text, p_data jsonb)
returns jsonb
language sql
immutable
as $$
  select
    jsonb_build_object(
      'type', p_type, 'spaceId', p_action.space_id, 'userId', p_action.user_id,
      'data', jsonb_build_object('actionId', p_action.id, 'kind', p_action.kind) || p_data
    );
$$;
