-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the event grant.revoked of a grant, as write_events takes it.
create function grant_revoked_event(p_grant public.grants)
returns jsonb
language sql
immutable
as $$
  select
    jsonb_build_object(
      'type', 'grant.revoked', 'spaceId', p_grant.space_id, 'userId', p_grant.user_id,
      'data', jsonb_build_object(
        'grantId', p_grant.id, 'kind', p_grant.kind, 'role', p_grant.role, 'participantId', p_grant.participant_id
      )
    );
$$;
