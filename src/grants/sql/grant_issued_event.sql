-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Returns the event grant.issued of a grant, as write_dated_events takes it.
create function grant_issued_event(p_grant public.grants)
returns jsonb
language sql
immutable
as $$
  select
    jsonb_build_object(
      'type', 'grant.issued', 'spaceId', p_grant.space_id, 'userId', p_grant.user_id, 'at', p_grant.issued_at,
      'data', jsonb_build_object(
        'grantId', p_grant.id, 'kind', p_grant.kind, 'role', p_grant.role, 'mint', p_grant.mint,
        'participantId', p_grant.participant_id, 'expiresAt', event_time(p_grant.expires_at)
      )
    );
$$;
